from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.evaluate import evaluate
from compress_core.fit_grid import fit_linear
from compress_core.grids import LinearGrid
from compress_core.network import Network, from_module, layer_weight
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.rounding import JUDGING, SAMPLES, learn_rounding
from compress_core.scenarios import load_scenario
from compress_core.trainable import Trainable

DIGITS = load_scenario("digits/simple-nn")


def correlated(count: int, width: int) -> Tensor:
    """Inputs that depend on each other, as real ones do."""
    return torch.randn(count, width) @ torch.randn(width, width) / 4


def part_of(x: Tensor) -> Part:
    return Part(name="train", x=x, y=torch.zeros(len(x), dtype=torch.long))


@pytest.mark.parametrize("group_size", [None, 8])
def test_learned_rounding_keeps_the_output_better_than_nearest(group_size: int | None) -> None:
    torch.manual_seed(0)
    network = from_module(nn.Sequential(nn.Linear(24, 6)), (24,), ("a",) * 6, "one")
    x = correlated(300, 24)
    weight = layer_weight(network.module, "0")
    weight[weight.abs() < 0.05] = 0
    rows = weight if group_size is None else weight.reshape(-1, group_size)
    grid = fit_linear(rows.amin(1), rows.amax(1), 3, "symmetric", 0, group_size)
    nearest = grid.decode(grid.encode(weight))

    def learned() -> Tensor:
        return learn_rounding(network.module, {"0": nearest}, {"0": grid}, part_of(x))["0"]

    def error(candidate: Tensor) -> float:
        return float((x @ (candidate - weight).T).square().mean())

    found = learned()
    assert error(found) < 0.8 * error(nearest)
    assert torch.allclose(grid.decode(grid.encode(found)), found)
    assert (found[weight == 0] == 0).all()
    step = grid.scale.repeat_interleave(24 * 6 // len(grid.scale)).reshape(6, 24)
    assert ((found - weight).abs() <= step * 1.001).all()
    assert torch.equal(learned(), found)


def test_layers_of_a_block_make_up_for_each_other() -> None:
    torch.manual_seed(6)
    layers = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 24))
    network = from_module(layers, (24,), ("a",) * 24, "two")
    x = correlated(2000, 24)
    weights = {name: layer_weight(network.module, name) for name in ("0", "2")}
    grids: dict[str, LinearGrid] = {
        n: fit_linear(w.amin(1), w.amax(1), 3, "symmetric", 0) for n, w in weights.items()
    }
    nearest = {name: grids[name].decode(grids[name].encode(w)) for name, w in weights.items()}

    def error(rounded: dict[str, Tensor]) -> float:
        unseen, values = x[1000:], {f"{name}.weight": w for name, w in rounded.items()}
        answers = torch.func.functional_call(network.module, values, (unseen,))
        return float((answers - network.module(unseen)).square().mean())

    by = {
        how: learn_rounding(network.module, nearest, grids, part_of(x), reconstruction=how)  # type: ignore[arg-type]
        for how in ("layer", "block")
    }
    assert error(by["block"]) < error(by["layer"]) < 0.6 * error(nearest)


def made(*steps: Step, network: Network = DIGITS.network) -> Compressed:
    return compress(network, Recipe(steps=steps), DIGITS.data)


@pytest.mark.parametrize("reconstruction", ["layer", "block"])
def test_two_bits_lose_less_when_rounding_is_learned(reconstruction: str) -> None:
    how = {"weight_bits": 2, "calibration": "mse"}
    nearest = made(Quantize(**how))  # type: ignore[arg-type]
    learned = made(Quantize(**how, rounding="learned", reconstruction=reconstruction))  # type: ignore[arg-type]
    part = DIGITS.data.validation
    assert evaluate(learned, part).loss < evaluate(nearest, part).loss


@pytest.mark.parametrize("bits", [2, 3])
def test_blocks_stay_where_they_bring_the_answers_no_nearer(bits: int) -> None:
    network, part = DIGITS.network, DIGITS.data.train
    x = part.inputs(0, part.batch_size(SAMPLES))
    unseen = x[len(x) - int(JUDGING * len(x)) :]

    def divergence(reconstruction: str) -> float:
        step = Quantize(
            weight_bits=bits,
            calibration="mse",
            rounding="learned",
            reconstruction=reconstruction,  # type: ignore[arg-type]
        )
        given, wanted = made(step).module(unseen), network.module(unseen)
        return float(kl_div(given.log_softmax(1), wanted.softmax(1), reduction="batchmean"))

    assert divergence("block") <= divergence("layer") + 1e-6


def test_floats_are_kept_and_training_goes_on_from_what_was_learned() -> None:
    learned = made(Prune(sparsity=0.3), Quantize(weight_bits=3, rounding="learned"))
    for name in learned.layer_names:
        assert torch.equal(learned.float_weight(name), layer_weight(DIGITS.network.module, name))
        nearest = made(Prune(sparsity=0.3), Quantize(weight_bits=3)).weight(name)
        assert not torch.equal(learned.weight(name), nearest)
        assert (learned.weight(name)[~learned.masks[name]] == 0).all()
    x = DIGITS.data.validation.inputs(0, 50)
    with torch.no_grad():
        assert torch.allclose(Trainable(learned)(x), learned.module(x), atol=1e-5)


def test_an_exception_for_a_layer_is_rounded_from_its_floats() -> None:
    both = made(Quantize(weight_bits=3, rounding="learned"), Quantize(weight_bits=8, layers="fc2"))
    alone = made(Quantize(weight_bits=8))
    assert torch.equal(both.weight("fc2"), alone.weight("fc2"))
    assert len(both.weight("fc1")[0].unique()) <= 7


class TimeFirst(nn.Module):
    """A memory as torch has it by itself: time x N x values, then all moments of all samples."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.each, self.last = nn.GRU(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        moments = self.memory(x.transpose(0, 1))[0]
        rows = self.each(moments.reshape(-1, 4)).relu()
        answers: Tensor = self.last(rows.reshape(5, -1, 4).mean(0))
        return answers


def test_samples_are_found_where_time_comes_before_them() -> None:
    torch.manual_seed(0)
    module = TimeFirst().eval()
    for weights in module.parameters():
        weights.data *= 3  # so that its answers differ
    network = from_module(module, (5, 3), ("a", "b"), "time first")
    part = part_of(torch.randn(40, 5, 3))
    data = Data(train=part, validation=part, test=part, labels=("a", "b"))

    def distance(rounding: Literal["nearest", "learned"]) -> float:
        step = Quantize(weight_bits=3, activation_bits=None, rounding=rounding)
        found = compress(network, Recipe(steps=(step,)), data).module(part.x)
        return float((found - network.module(part.x)).square().mean())

    assert distance("learned") < distance("nearest") / 2
