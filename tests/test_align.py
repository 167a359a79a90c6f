from functools import lru_cache

import pytest
import torch

from compress_core.align import aligned
from compress_core.calibrate import observe
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.grids import Grid, LinearGrid
from compress_core.quantize import fold_batch_norms
from compress_core.recipe import Quantize, Recipe
from compress_core.trainable import Trainable, trained
from tests.branches import branches
from tests.nets import noise_data, thin_resnet

BLOCKS = {
    f"stage{stage}_{block}": first
    for stage, start in ((1, "relu1"), (2, "stage2_0_shortcut_0"), (3, "stage3_0_shortcut_0"))
    for block, first in enumerate((start, f"stage{stage}_0_relu2", f"stage{stage}_1_relu2"))
}
"""Residual block -> the node of ResNet-20 whose value is added to the block's second layer."""


INT8 = Quantize(weight_bits=8, activation_bits=8)
TRAIN = noise_data(thin_resnet()).train


@lru_cache
def rounded(bits: int, activation_grid: str = "linear") -> Compressed:
    network = thin_resnet()
    step = Quantize(weight_bits=8, activation_bits=bits, activation_grid=activation_grid)  # type: ignore[arg-type]
    return compress(network, Recipe(steps=(step,)), noise_data(network))


def in_tune(of: Compressed) -> dict[str, Grid]:
    return aligned(of.network, of.activation_grids)


def scale(of: Compressed, node: str) -> float:
    return float(of.activation_grids[node].scale)


def nearest_to_a_middle(*branches: torch.Tensor) -> float:
    """Return how near any sum of one value of each branch comes to the middle of two codes."""
    sums = branches[0]
    for branch in branches[1:]:
        sums = sums[:, None] + branch
    return float(((sums % 1) - 0.5).abs().min())


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_no_sum_of_a_residual_network_lies_near_the_middle_of_two_codes(bits: int) -> None:
    of = rounded(bits)
    codes = torch.arange(-(2**bits), 2**bits, dtype=torch.float64)
    for block, shortcut in BLOCKS.items():
        unit = scale(of, f"{block}_relu2")
        branches = (codes * (scale(of, node) / unit) for node in (f"{block}_conv2", shortcut))
        # Fixed-point multipliers of 20 bits are off by less than 0.0005 of a code.
        assert nearest_to_a_middle(*branches) > 0.0019


def test_no_average_lies_near_the_middle_of_two_codes() -> None:
    of = rounded(8)  # 12 x 12 pictures: the last maps are of 3 x 3
    ratio = scale(of, "stage3_2_relu2") / scale(of, "pool")
    assert nearest_to_a_middle(torch.arange(256 * 9, dtype=torch.float64) * ratio / 9) > 0.001


def test_averages_of_an_even_number_are_apart_from_middles_as_well() -> None:
    network = branches("bottlenecks")  # the last maps are of 6 x 6
    of = compress(network, Recipe(steps=(Quantize(activation_bits=8),)), noise_data(network))
    ratio = scale(of, "add_1") / scale(of, "mean")
    sums = torch.arange(-256 * 36, 256 * 36, dtype=torch.float64)
    assert nearest_to_a_middle(sums * ratio / 36) > 0.001


@pytest.mark.parametrize("bits", [4, 8])
def test_scales_stay_near_what_the_ranges_ask_for(bits: int) -> None:
    of = rounded(bits)
    seen = observe(fold_batch_norms(of.original).module, TRAIN, of.activation_grids.keys())
    for node, grid in of.activation_grids.items():
        alone = (max(seen[node].high, 0) - min(seen[node].low, 0)) / (2**grid.bits - 1)
        # Rounded weights move the ranges as well.
        assert 0.8 < float(grid.scale) / alone < 1.25, node


def test_aligning_twice_changes_nothing_more() -> None:
    of = rounded(8)
    for node, grid in in_tune(of).items():
        before = of.activation_grids[node]
        assert isinstance(grid, LinearGrid) and isinstance(before, LinearGrid)
        assert float(grid.scale) == pytest.approx(float(before.scale), rel=1e-6)
        assert torch.equal(grid.zero_point, before.zero_point)


def test_values_side_by_side_share_one_grid() -> None:
    network = branches("dense")
    grids = compress(network, Recipe(steps=(INT8,)), noise_data(network)).activation_grids
    for together in (("a_2", "b_2", "cat", "c_0", "cat_1"), ("average", "d_2", "cat_2")):
        first = grids[together[0]]
        for node in together[1:]:
            grid = grids[node]
            assert isinstance(grid, LinearGrid) and isinstance(first, LinearGrid)
            assert torch.equal(grid.scale, first.scale)
            assert torch.equal(grid.zero_point, first.zero_point)


def test_learned_scales_are_tuned_again() -> None:
    of = rounded(8)
    trainable = Trainable(of, learn_scales=True)
    state = trainable.state_dict()
    generator = torch.Generator().manual_seed(0)
    for name, value in state.items():
        if name.endswith("log_scale"):
            value += 0.1 * torch.rand(value.shape, generator=generator)
    learned = trained(of, trainable, state)
    unit = scale(learned, "stage1_0_relu2")
    codes = torch.arange(-256, 256, dtype=torch.float64)
    summands = (codes * (scale(learned, node) / unit) for node in ("relu1", "stage1_0_conv2"))
    assert unit != scale(of, "stage1_0_relu2")
    assert nearest_to_a_middle(*summands) > 0.0019


@pytest.mark.parametrize(("bits", "kind"), [(12, "linear"), (6, "power_of_two")])
def test_what_nobody_computes_in_integers_is_left_alone(bits: int, kind: str) -> None:
    of = rounded(bits, kind)
    tuned = in_tune(of)
    hidden = [node for node in tuned if node != "fc"]  # the answer keeps at least 8 bits
    assert all(tuned[node] is of.activation_grids[node] for node in hidden)
