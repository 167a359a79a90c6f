from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import load_file

from compress_core.compress import compress
from compress_core.data_sets.data_set import ASSETS
from compress_core.masks import keep_above, keep_globally
from compress_core.network import Network, from_module
from compress_core.quantize import weight_grid
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import list_scenarios
from compress_core.sizes import entropy_bits
from compress_core.sketch import LayerSketch, Sketch
from compress_core.sketch_answer import answer
from compress_core.sketch_curve import curve
from compress_core.sketch_layer import sketch_layer
from compress_core.sketch_network import sketch_network
from compress_core.sketch_order import merge
from compress_core.zoo.build import build

Weights = NDArray[np.float32]
SEEDS = st.integers(0, 2**31)
BUILT_IN = pytest.mark.parametrize(
    "name", [n for n in list_scenarios() if n.split("/")[0] in ("digits", "fashion-mnist")]
)


def weights(seed: int, rows: int, columns: int) -> Weights:
    """Rows of different size, as trained ones are."""
    generator = np.random.default_rng(seed)
    spread = np.exp(generator.standard_normal((rows, 1)) * 0.4)
    return (generator.laplace(size=(rows, columns)) * spread * 0.02).astype(np.float32)


def network_of(*layers: LayerSketch) -> Sketch:
    return Sketch(layers=layers, fp32_bytes=0, others=0, folded_others=0)


def shipped(name: str) -> Network:
    """Return a built-in network with its trained weights, and no data."""
    module = build(name.split("/")[1], 0)
    module.load_state_dict(load_file(ASSETS / name / "seed-0.safetensors"))
    side = 8 if name.startswith("digits") else 28
    return from_module(module, (1, side, side), tuple("0123456789"), name)


def test_a_layer_of_six_weights_answers_as_one_counts_by_hand() -> None:
    layer = sketch_layer("fc", np.array([[-3, 1, 0], [2, -2, 4]], np.float32))
    assert [float(layer.gone(t)) for t in (0, 0.5, 1, 2, 2.5, 9)] == [0, 1, 1, 2, 4, 6]
    assert [float(layer.threshold(n)) for n in (0, 1, 2, 4)] == [0, 1, 2, 3]
    assert float(layer.energy(4)) == 0 + 1 + 4 + 4
    assert float(layer.removed(9)) == 5, "the guard keeps one"
    found = answer(layer, Quantize(granularity="per_tensor"), 2, 2)
    assert found is not None
    # Codes are round(w / 4): -1 0 0 / 0 0 1, where 2 / 4 is rounded to even.
    assert found.entropy == pytest.approx(-(4 / 6 * np.log2(4 / 6) + 2 / 6 * np.log2(1 / 6)))
    assert found.mse == pytest.approx((1 + 1 + 0 + 4 + 4 + 0) / 6)


@given(seed=SEEDS, exact=st.booleans(), share=st.floats(0, 0.999))
def test_share_and_threshold_are_inverse_and_true(seed: int, exact: bool, share: float) -> None:
    values = weights(seed, 40, 250)
    layer = sketch_layer("fc", values, exact=len(values.ravel()) if exact else 0)
    threshold = float(layer.threshold(share * layer.count))
    sizes_ = np.abs(values)
    below = sizes_ < np.float32(threshold)
    assert float(layer.gone(threshold)) == pytest.approx(share * layer.count, abs=1)
    # Bins of a 1000th are as fine as they need be for layers of more weights than that.
    assert below.mean() == pytest.approx(share, abs=1e-3)
    energy = float(np.square(sizes_[below].astype(np.float64)).sum())
    total = float(layer.order.total_energy)
    assert float(layer.energy(below.sum())) / total == pytest.approx(energy / total, abs=1e-3)


@given(seed=SEEDS, share=st.floats(0.01, 0.99), exact=st.sampled_from([0, 3000, 1 << 18]))
def test_one_threshold_for_all_layers(seed: int, share: float, exact: int) -> None:
    values = {"a": weights(seed, 20, 50), "b": weights(seed + 1, 40, 100) * np.float32(0.2)}
    sketch = network_of(*(sketch_layer(n, v, exact=exact) for n, v in values.items()))
    count = round(share * sketch.count)
    threshold = float(sketch.threshold(count))
    masks = keep_globally({n: torch.from_numpy(v).abs() for n, v in values.items()}, share)
    for layer in sketch.layers:
        gone = float((~masks[layer.name]).double().sum())
        # One in a thousand of all weights; a bin is cut in two, and so is a tie.
        assert float(layer.removed(threshold)) == pytest.approx(gone, abs=0.001 * sketch.count + 1)


def test_layers_together_are_one() -> None:
    parts = [weights(seed, 10, 30) for seed in (1, 2)]
    one = sketch_layer("all", np.concatenate(parts))
    both = merge([sketch_layer("part", part).order for part in parts])
    thresholds = np.linspace(0, 0.2, 50)
    assert both.gone(thresholds).tolist() == one.gone(thresholds).tolist()
    assert both.negative_gone(thresholds).tolist() == one.order.negative_gone(thresholds).tolist()


def test_minus_zero_is_not_negative() -> None:
    order = sketch_layer("fc", np.array([[-0.0, 0.0, -1.0, 0.5]], np.float32)).order
    assert order.negatives == 1
    assert order.sizes().tolist() == [0, 0, 0.5, 1]
    assert order.negative_gone(np.array([0.1, 1.0, 2.0])).tolist() == [0, 0, 1]


def test_of_many_layers_together_there_are_bins() -> None:
    parts = [weights(seed, 300, 500) for seed in (1, 2)]
    both = merge([sketch_layer("part", part).order for part in parts])
    sizes_ = np.sort(np.abs(np.concatenate(parts)).ravel())
    assert both.count == 300_000
    for share in (0.1, 0.5, 0.99):
        at = round(share * both.count)
        assert float(both.gone(sizes_[at])) == pytest.approx(at, abs=300)
        energy = float(np.square(sizes_[:at], dtype=np.float64).sum())
        assert float(both.energy(at)) == pytest.approx(energy, rel=1e-3)


def test_equal_weights_stay_equal() -> None:
    values = np.repeat(np.array([0.1, 0.2, 0.3], np.float32), 1000).reshape(3, 1000)
    layer = sketch_layer("fc", values, exact=0)
    assert [float(layer.gone(t)) for t in (0.1, 0.15, 0.2, 0.25)] == [0, 1000, 1000, 2000]


SETTINGS = [
    (granularity, bits, share)
    for granularity in ("per_channel", "per_tensor", "per_group")
    for bits in (3, 8, 16)
    for share in (0.0, 0.8)
]


def recomputed(
    values: Weights, factors: Weights, how: Quantize, bits: int, threshold: float
) -> tuple[float, float, int]:
    """Return entropy, mean square error and what is gone, from the weights themselves."""
    mask = keep_above(torch.from_numpy(np.abs(values)), threshold)
    folded = torch.from_numpy(values * factors[:, None])
    grid = weight_grid(folded * mask, replace(how, weight_bits=bits))
    codes = grid.encode(folded * mask)
    from_zero = codes.int() - grid.encode(torch.zeros_like(folded)).int()
    mse = float((grid.decode(codes) - folded).double().square().mean())
    return entropy_bits(from_zero), mse, int((~mask).sum())


@pytest.mark.parametrize("folded", [False, True])
def test_cells_answer_what_the_weights_would(folded: bool) -> None:
    values = weights(7, 420, 640)
    generator = np.random.default_rng(8)
    factors = np.ones(420, np.float32)
    if folded:
        factors = np.exp(generator.standard_normal(420) * 0.3).astype(np.float32)
        factors *= generator.choice(np.array([-1, 1], np.float32), 420)
    layer = sketch_layer("fc", values, factors, exact=0)
    for granularity, bits, share in SETTINGS:
        how = Quantize(granularity=granularity)
        threshold = float(layer.threshold(share * layer.count))
        entropy, mse, gone = recomputed(values, factors, how, bits, threshold)
        found = answer(layer, how, bits, gone)
        assert found is not None
        assert found.entropy == pytest.approx(entropy, abs=0.01), (granularity, bits, share)
        assert found.mse == pytest.approx(mse, rel=0.003), (granularity, bits, share)


ANEW = (
    *(Quantize(grid="codebook"), Quantize(scheme="affine"), Quantize(calibration="percentile")),
    *(Quantize(calibration="mse"), Quantize(calibration="entropy")),
    Quantize(granularity="per_tensor", scheme="affine", calibration="mse"),
    Quantize(granularity="per_group", group_size=16, grid="power_of_two"),
)


@pytest.mark.parametrize("how", ANEW, ids=lambda how: f"{how.grid}-{how.scheme}-{how.calibration}")
@pytest.mark.parametrize("bits", [3, 8])
@pytest.mark.parametrize("share", [0.0, 0.7])
def test_grids_that_what_is_kept_decides_are_those_of_the_weights(
    how: Quantize, bits: int, share: float
) -> None:
    values = weights(11, 24, 160)
    factors = np.linspace(-2, 1, 24, dtype=np.float32)
    layer = sketch_layer("fc", values, factors)
    gone = round(share * layer.count)
    found = answer(layer, how, bits, gone)
    entropy, mse, _ = recomputed(values, factors, how, bits, float(layer.threshold(gone)))
    assert found is not None
    assert found.entropy == pytest.approx(entropy, abs=1e-6)
    assert found.mse == pytest.approx(mse, rel=1e-6)


OTHERS = (
    *(*ANEW, Quantize(granularity="per_group", group_size=48)),
    *(Quantize(granularity="per_group", scheme="affine"), Quantize(grid="power_of_two")),
    Quantize(granularity="per_tensor", scheme="affine", calibration="percentile"),
)


@pytest.mark.parametrize("how", OTHERS, ids=str)
def test_of_many_weights_other_grids_are_told_as_well(how: Quantize) -> None:
    values = weights(17, 200, 2100)
    factors = np.exp(np.random.default_rng(3).standard_normal(200) * 0.3).astype(np.float32)
    factors[::3] *= -1
    layer = sketch_layer("fc", values, factors, exact=0)
    for bits, share in ((3, 0.6), (8, 0.0)):
        gone = round(share * layer.count)
        found, whole = answer(layer, how, bits, gone), curve(layer, how, bits)
        threshold = float(np.partition(np.abs(values), gone, axis=None)[gone])
        entropy, mse, _ = recomputed(values, factors, how, bits, threshold)
        assert found is not None and whole is not None
        assert found.entropy == pytest.approx(entropy, abs=0.01)
        assert found.mse == pytest.approx(mse, rel=0.003)
        near = 0.3 if how.calibration in ("mse", "entropy") else 0.01
        assert float(whole.bits_at(gone)) / layer.count == pytest.approx(entropy, abs=near)


def test_an_affine_grid_has_one_side_left_when_the_weaker_end_is_gone() -> None:
    # Every row reaches three times as far on one side of zero as on the other.
    values = np.random.default_rng(4).uniform(-1, 3, (64, 500)).astype(np.float32)
    values[::2] *= -1
    layer, how = sketch_layer("fc", values, exact=0), Quantize(scheme="affine")
    for bits, threshold in ((2, 0.5), (4, 1.5), (6, 2.5)):
        entropy, mse, gone = recomputed(values, np.ones(64, np.float32), how, bits, threshold)
        found = answer(layer, how, bits, gone)
        assert found is not None
        assert found.entropy == pytest.approx(entropy, abs=0.01)
        assert found.mse == pytest.approx(mse, rel=0.003)


def test_what_others_decide_is_not_told() -> None:
    few, many = (sketch_layer("fc", weights(3, 64, 96), exact=n) for n in (1 << 18, 0))
    for how in (Quantize(equalize=True), Quantize(rounding="learned")):
        assert answer(few, how, 4, 0) is None and answer(many, how, 4, 0) is None
    assert curve(few, Quantize(equalize=True), 4) is None
    # Half precision leaves gaps between values, so 16 bits are not as many as they seem.
    half = weights(3, 64, 960).astype(np.float16).astype(np.float32)
    steps = sketch_layer("fc", half, exact=0)
    assert not steps.smooth
    for bits in (10, 16):
        found = answer(steps, Quantize(), bits, 0)
        entropy, _, _ = recomputed(half, np.ones(64, np.float32), Quantize(), bits, 0)
        assert found is not None and found.entropy == pytest.approx(entropy, abs=0.02)


@BUILT_IN
def test_joint_answers_are_those_of_the_compressed_network(name: str) -> None:
    network = shipped(name)
    sketch = sketch_network(network)
    for how, bits, share in (
        (Quantize(granularity="per_group"), 8, 0.9),
        (Quantize(granularity="per_tensor"), 3, 0.3),
        (Quantize(grid="power_of_two"), 4, 0.7),
        (Quantize(), 16, 0.0),
    ):
        step = replace(how, weight_bits=bits)
        steps = (Prune(sparsity=share), step) if share else (step,)
        after = compress(network, Recipe(steps=steps))
        for layer in sketch.layers:
            gone = min(round(share * layer.count), layer.count - 1)
            found = answer(layer, how, bits, gone)
            assert found is not None
            weight, grid = after.weight(layer.name), after.weight_grids[layer.name]
            error = (weight - after.float_weight(layer.name)).double().square().mean()
            assert found.entropy == pytest.approx(entropy_bits(grid.encode(weight)), abs=0.01)
            assert found.mse == pytest.approx(float(error), rel=0.01)
