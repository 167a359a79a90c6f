import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compress_core.coded import CodedLayer
from compress_core.fit_grid import fit_linear
from compress_core.grids import fake_quantize
from compress_core.quantize import ActivationQuantizer
from compress_core.ship import Rounding, rounding, ship
from tests.exports import STEPS, compressed, preview, samples
from tests.nets import fingerprint

SCENARIOS = ("digits/simple-nn", "fashion-mnist/lenet-5")


@pytest.mark.parametrize("coded", [False, True], ids=["values", "codes"])
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_shipped_computes_what_the_preview_shows(
    scenario: str, name: str, coded: bool
) -> None:
    of, x = compressed(scenario, name), samples(scenario, 64)
    module = ship(of, of.weight_grids if coded else ())
    with torch.inference_mode():
        answers = module(x)

    assert torch.allclose(answers, preview(of, x), atol=1e-6 if name != "w12a12" else 0.02)


@given(
    bits=st.integers(2, 8),
    low=st.floats(-9, 0),
    high=st.floats(0.01, 9),
    seed=st.integers(0, 999),
)
def test_up_to_eight_bits_are_rounded_as_the_grid_does(
    bits: int, low: float, high: float, seed: int
) -> None:
    grid = fit_linear(torch.tensor(low), torch.tensor(high), bits, "affine")
    x = 20 * torch.rand(500, generator=torch.Generator().manual_seed(seed)) - 10

    # To the last bit but one: the ends are cut off in float.
    assert torch.allclose(rounding(grid)(x), fake_quantize(x, grid), rtol=1e-6, atol=0)


@pytest.mark.parametrize("bits", [9, 12, 16])
def test_more_than_eight_bits_are_rounded_as_the_grid_does(bits: int) -> None:
    grid = fit_linear(torch.tensor(-1.0), torch.tensor(3.0), bits, "affine")
    x = 8 * torch.rand(5000, generator=torch.Generator().manual_seed(0)) - 3
    difference = (rounding(grid)(x) - fake_quantize(x, grid)).abs()

    assert float(difference.max()) <= 1.001 * float(grid.scale)
    assert float((difference > 1e-6).float().mean()) < 0.01  # ties of float arithmetic


def test_pooling_and_reshaping_stand_between_two_roundings() -> None:
    module = ship(compressed("fashion-mnist/lenet-5", "w8a8"))
    kinds = [
        type(module.get_submodule(str(node.target))).__name__
        for node in module.graph.nodes
        if node.op == "call_module"
    ]

    for index, kind in enumerate(kinds):
        if kind in ("MaxPool2d", "Flatten"):
            assert kinds[index - 1] == kinds[index + 1] == "Rounding"


def test_quantizers_with_plain_numbers_take_the_place_of_those_with_tensors() -> None:
    module = ship(compressed("fashion-mnist/lenet-5", "w8a8"))
    leaves = list(module.modules())

    assert not [leaf for leaf in leaves if isinstance(leaf, ActivationQuantizer)]
    assert all(type(leaf.scale) is float for leaf in leaves if isinstance(leaf, Rounding))


def test_coded_layers_hold_codes_and_no_weight() -> None:
    of = compressed("fashion-mnist/lenet-5", "zeros w4a8")
    module = ship(of, of.weight_grids)

    coded = [leaf for leaf in module.modules() if isinstance(leaf, CodedLayer)]
    assert len(coded) == 5
    for leaf in coded:
        assert leaf.get_buffer("codes").dtype == torch.int8
        assert int(leaf.get_buffer("codes").abs().max()) <= 7
        assert leaf.layer.get_parameter("weight").numel() == 0


def test_shipping_leaves_the_preview_as_it_is() -> None:
    of = compressed("digits/simple-nn", "w4a4")
    network, module = (
        fingerprint(of.network),
        {n: t.clone() for n, t in of.module.state_dict().items()},
    )
    ship(of, of.weight_grids)

    assert fingerprint(of.network) == network
    assert all(torch.equal(module[name], t) for name, t in of.module.state_dict().items())
