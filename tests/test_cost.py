from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from compress_core.compress import compress
from compress_core.cost import CostModel, cost_model, precision_of
from compress_core.data import Data
from compress_core.layer_times import LayerTimes, Timing
from compress_core.network import Network, from_module
from compress_core.operator_counts import count, count_all
from compress_core.operators import Operator, operators
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.specimens import PRECISIONS, Specimen, specimens
from compress_core.zoo.build import build
from tests.nets import noise_data, untrained

LANES = 16


def lawful(specimen: Specimen) -> float:
    """A machine whose calls take 5 us, whose operators 1 us, and that does 1e10 macs a second."""
    return 5e-6 + sum(seconds(operator, specimen.precision) for operator in specimen.operators)


def seconds(operator: Operator, precision: str) -> float:
    free = (precision, operator.kind) == ("int8", "relu")
    return 0.0 if free else 1e-6 + 1e-10 * padded(operator)


def padded(operator: Operator) -> int:
    """Multiplications of whole registers: 16 outputs at once, where channels are not in groups."""
    matrices = operator.kind == "product" or (operator.kind == "linear" and operator.positions > 1)
    if not matrices and (operator.kind != "conv" or operator.groups > 1):
        return operator.macs
    whole = -(-operator.outputs // LANES) * LANES
    return operator.macs // operator.outputs * whole


def timed(*asked: Specimen, noise: float = 0.0) -> LayerTimes:
    """What is measured on that machine when every second time is too long and others too short."""
    timings = tuple(
        Timing(
            operators=specimen.operators,
            precision=specimen.precision,
            seconds=lawful(specimen) * (1 + (noise if index % 2 else -noise)),
        )
        for index, specimen in enumerate(asked)
    )
    return LayerTimes(machine="here", lanes=LANES, rounds=9, timings=timings)


@pytest.fixture(scope="module")
def model() -> CostModel:
    return cost_model(timed(*specimens()))


def conv(inputs: int, outputs: int, side: int = 8, kernel: int = 3, groups: int = 1) -> Operator:
    return Operator(
        kind="conv",
        inputs=inputs,
        outputs=outputs,
        read=side**2,
        positions=side**2,
        kernel=kernel**2,
        groups=groups,
    )


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "work",
    [
        (conv(32, 48), conv(48, 64)),
        (conv(1, 6, 28, 5), Operator(kind="linear", inputs=400, outputs=120)),
        (conv(64, 64, 14, groups=64), conv(64, 128, 14, 1)),
    ],
)
def test_a_known_law_is_found_and_foretells_networks(model: CostModel, work, precision) -> None:  # type: ignore[no-untyped-def]
    expected = model.seconds(work, precision, 100, 10)
    assert expected is not None
    true = 5e-6 + sum(seconds(operator, precision) for operator in work)
    assert expected.value == pytest.approx(true, rel=0.02)
    assert expected.low <= expected.value <= expected.high
    assert expected.high / expected.low < 1.1  # layers without noise leave nothing open


def test_the_band_is_where_layers_of_an_unseen_sort_lie() -> None:
    exact, noisy = (cost_model(timed(*specimens(), noise=n)).bands["float32"] for n in (0.0, 0.2))
    assert exact == pytest.approx((1.0, 1.0), abs=0.02)
    # Whoever knew the law would find every layer at 0.8 or 1.2 of what it says.
    assert noisy[0] <= 0.82 and noisy[1] >= 1.18
    assert noisy[0] > 0.3 and noisy[1] < 2.0


def test_what_all_layers_of_one_sort_have_in_common_does_not_cancel() -> None:
    """Windows of five take half as long again: a network of such layers is nowhere near the law."""
    times = timed(*specimens())
    slow = tuple(
        replace(timing, seconds=1.5 * timing.seconds)
        if {o.kernel for o in timing.operators if o.kind == "conv"} == {25}
        else timing
        for timing in times.timings
    )
    assert cost_model(replace(times, timings=slow)).bands["float32"][1] >= 1.4


def test_one_sort_alone_says_nothing_of_others() -> None:
    alone = [s for s in specimens() if {o.kind for o in s.operators} == {"linear"}]
    assert cost_model(timed(*alone)).bands["int8"] == (0.0, inf)


@given(
    steps=st.tuples(st.integers(1, 6), st.integers(1, 6)).map(sorted),
    precision=st.sampled_from(PRECISIONS),
)
def test_a_wider_network_is_not_faster(steps: list[int], precision) -> None:  # type: ignore[no-untyped-def]
    model = cost_model(timed(*specimens(), noise=0.2))
    narrow, wide = (
        model.seconds((conv(16 * n, 16 * n), conv(16 * n, 16 * n)), precision, 100, 10)
        for n in steps
    )
    assert narrow is not None and wide is not None
    assert narrow.value <= wide.value


def test_what_was_never_measured_is_not_estimated(model: CostModel) -> None:
    assert model.seconds([conv(32, 32, groups=2)], "float32", 1, 1) is None
    few = cost_model(timed(*(s for s in specimens() if s.operators[0].kind == "linear")))
    assert few.seconds([conv(32, 32)], "int8", 1, 1) is None


def test_channels_that_fill_registers_are_counted_apart() -> None:
    routines = {
        inputs: next(iter(count(conv(inputs, 20), "float32", 16))).partition(".")[0]
        for inputs in (3, 32, 33)
    }
    assert routines == {3: "conv-few", 32: "conv-blocks", 33: "conv-loose"}
    assert count(conv(32, 17), "float32", 16) == count(conv(32, 32), "float32", 16)


def test_a_network_is_the_sum_of_its_operators() -> None:
    work = operators(untrained("lenet-5"))
    assert work is not None
    kinds = ["conv", "maximum", "conv", "maximum", "reshape", "linear", "linear", "linear"]
    assert [operator.kind for operator in work] == kinds
    assert sum(operator.macs for operator in work) == untrained("lenet-5").macs == 416_520
    counts = count_all(work, "float32", 16, 784, 10)
    assert counts["call.times"] == 1
    assert counts["linear.times"] == 3
    assert counts["linear.weights"] == 400 * 120 + 120 * 84 + 84 * 10


def test_sums_and_means_are_operators_and_folded_batch_norms_are_none() -> None:
    work = operators(untrained("resnet-20", width=0.25))
    assert work is not None
    kinds = [operator.kind for operator in work]
    # 19 layers and 2 shortcuts; after each of 9 sums a function of its own.
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "conv": 21,
        "add": 9,
        "relu": 9,
        "mean": 1,
        "reshape": 1,
        "linear": 1,
    }


def test_the_estimate_follows_the_recipe(model: CostModel) -> None:
    network = untrained("lenet-5")
    data = noise_data(network)
    integers = Quantize(weight_bits=8, activation_bits=8)
    steps = {
        "original": (),
        "zeros": (Prune(sparsity=0.9),),
        "weights only": (Quantize(weight_bits=4),),
        "int8": (integers,),
        "fewer channels": (Prune(granularity="channel", sparsity=0.5),),
        "narrow": (replace(integers, activation_bits=4),),
    }
    found = {what: compress(network, Recipe(steps=some), data) for what, some in steps.items()}
    assert {what: precision_of(compressed) for what, compressed in found.items()} == {
        "original": "float32",
        "zeros": "float32",
        "weights only": "float32",
        "int8": "int8",
        "fewer channels": "float32",
        "narrow": None,
    }
    expected = {what: model.estimate(compressed) for what, compressed in found.items()}
    # Zeros are multiplied, and weights are decoded when a file is loaded.
    assert expected["zeros"] == expected["weights only"] == expected["original"]
    assert expected["narrow"] is None
    original, fewer = expected["original"], expected["fewer channels"]
    assert original is not None and fewer is not None
    assert fewer.value < original.value


SEQUENCES = {"reviews/conv": (100,), "reviews/transformer": (100,), "watch/gru": (6, 128)}
"""Scenario -> the shape of a sample."""


def over_time(name: str) -> Network:
    """Return an untrained network that reads words or signals."""
    shape, labels = SEQUENCES[name], tuple(map(str, range(7 if name == "watch/gru" else 2)))
    return from_module(build(name, 0), shape, labels, name)


def words_or_noise(network: Network) -> Data:
    """Return random samples: numbers of words where the network reads words."""
    data = noise_data(network)
    if len(network.input_shape) > 1:
        return data
    parts = {
        name: replace(part, x=(100 * part.x).abs().long(), y=part.y % 2)
        for name in ("train", "validation", "test")
        for part in (getattr(data, name),)
    }
    return replace(data, **parts)


@pytest.mark.parametrize("name", SEQUENCES)
def test_words_attention_and_memories_are_operators(model: CostModel, name: str) -> None:
    network = over_time(name)
    data = words_or_noise(network)
    work = operators(network)
    assert work is not None
    # Products of values with each other are none of the network's own multiplications.
    assert sum(o.macs for o in work if o.kind != "product") == network.macs
    for bits in (None, 8):
        recipe = Recipe(steps=(Quantize(weight_bits=8, activation_bits=bits),))
        expected = model.estimate(compress(network, recipe, data))
        assert expected is not None and expected.value > 0


def test_attention_is_read_off_its_shapes() -> None:
    work = operators(over_time("reviews/transformer"))
    assert work is not None
    alike, means = (o for o in work if o.kind == "product")
    assert (alike.inputs, alike.outputs, alike.positions, alike.groups) == (12, 100, 200, 2)
    assert (means.inputs, means.outputs, means.positions, means.groups) == (100, 12, 200, 2)
    assert alike.macs == means.macs == 2 * 100 * 100 * 12


def test_memories_are_steps_of_a_loop() -> None:
    (memory,) = (o for o in operators(over_time("watch/gru")) or () if o.kind == "gru")
    assert (memory.positions, memory.inputs, memory.outputs) == (32, 3 * 48, 48)
    counts = count(memory, "float32", LANES)
    assert counts["gru.moments"] == 32 and counts["gru.macs"] == 32 * 3 * 48 * 48


def test_what_is_not_known_is_named(model: CostModel) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.bend = nn.Linear(8, 8), nn.Sigmoid()

        def forward(self, x: Tensor) -> Tensor:
            return self.bend(self.first(x))  # type: ignore[no-any-return]

    network = from_module(Odd(), (8,), tuple("abcdefgh"), "odd")
    odd = compress(network, Recipe(), noise_data(network))
    assert model.estimate(odd) is None
    assert model.unmeasured(odd) == "Sigmoid bend"
    usual = compress(untrained("lenet-5"), Recipe(), noise_data(untrained("lenet-5")))
    assert model.unmeasured(usual) is None
