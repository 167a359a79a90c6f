import numpy as np
import pytest
import torch
from torch import nn

from compress_core import integer_layer
from compress_core.compress import compress
from compress_core.fit_grid import fit_linear
from compress_core.grids import LinearGrid, fake_quantize
from compress_core.int8 import fits
from compress_core.integer_layer import InPlace, IntegerLayer, OnGrid, compute_in_integers
from compress_core.integers import integer_layers
from compress_core.network import from_module
from compress_core.quantize import ActivationQuantizer, insert_quantizers, weight_grid
from compress_core.recipe import Quantize, Recipe
from tests.exports import compressed
from tests.nets import noise_data, untrained

NAMES = ["digits/simple-nn", "fashion-mnist/lenet-5"]


@pytest.mark.parametrize("name", NAMES)
def test_codes_are_those_of_arithmetic_in_whole_numbers(name: str) -> None:
    of = compressed(name, "w8a8")
    last = of.layer_names[-1]
    inputs, weights, outputs = integer_layers(of.graph, of.weight_grids)[last]
    layer = of.module.get_submodule(last)
    assert isinstance(layer, IntegerLayer)
    generator = torch.Generator().manual_seed(0)
    shape = (40, layer.codes.shape[1])
    codes = torch.randint(inputs.low, inputs.high + 1, shape, generator=generator)
    x = inputs.decode(codes.to(torch.int8))
    w = weights.encode(of.weight(last)).numpy().astype(np.int64)
    step = (inputs.scale * weights.scale).numpy()
    bias = np.rint(of.network.module.get_submodule(last).bias.numpy() / step).astype(np.int64)
    sums = (codes.numpy() - int(inputs.zero_point)) @ w.T + bias
    steps = np.rint(sums.astype(np.float32) * (step / outputs.scale.numpy()))
    expected = np.clip(steps + int(outputs.zero_point), outputs.low, outputs.high)
    assert np.array_equal(outputs.encode(layer(x)).numpy(), expected)


def test_layers_that_are_not_integers_stay_as_they_are() -> None:
    of = compressed("fashion-mnist/lenet-5", "w8")
    kinds = {type(of.module.get_submodule(name)).__name__ for name in of.layer_names}
    assert kinds == {"Conv2d", "Linear"}


def test_integers_and_floats_differ_by_a_step_at_most() -> None:
    of = compressed("fashion-mnist/lenet-5", "w8a8")
    x = torch.randn(50, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    step = float(of.activation_grids["fc3"].scale)
    assert float((of.module(x) - of.graph(x)).abs().max()) <= 2.001 * step


@pytest.mark.parametrize("bits", [2, 5, 8, 12])
def test_rounding_in_place_is_the_one_rounding(bits: int) -> None:
    grid = fit_linear(torch.tensor(-0.7), torch.tensor(2.9), bits, "affine")
    generator = torch.Generator().manual_seed(bits)
    middles = (grid.values()[0][1:] + grid.values()[0][:-1]) / 2
    x = torch.cat([torch.randn(5000, generator=generator) * 2, middles, torch.tensor([1e9, -1e9])])
    assert torch.equal(InPlace(grid)(x), fake_quantize(x, grid))


@pytest.mark.parametrize("name", ["lenet-5", "resnet-20"])
def test_short_cuts_change_no_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = untrained(name)
    data = noise_data(network)
    recipe = Recipe(steps=(Quantize(weight_bits=5, activation_bits=8),))
    of = compress(network, recipe, data)
    x = data.test.inputs(0, 20)
    with torch.no_grad():
        quick = of.module(x)
        leaves = [type(leaf) for leaf in of.module.modules()]
        assert OnGrid in leaves and InPlace in leaves and ActivationQuantizer not in leaves
        layers = [leaf for leaf in of.module.modules() if isinstance(leaf, IntegerLayer)]
        assert any(layer.gives_codes for layer in layers)
        for layer in layers:
            layer.gives_codes = False
        # Float32 sums instead of integers, and every value rounded again where it is rounded.
        monkeypatch.setattr(integer_layer, "fits", lambda layer: False)
        monkeypatch.setattr(OnGrid, "forward", ActivationQuantizer.forward)
        monkeypatch.setattr(InPlace, "forward", ActivationQuantizer.forward)
        assert torch.equal(of.module(x), quick)


@pytest.mark.parametrize("low", [0.0, -1.5])
def test_layers_give_each_other_codes(low: float) -> None:
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 3, 3), nn.Identity(), nn.Conv2d(3, 2, 3, padding=1), nn.Flatten()
    module = from_module(nn.Sequential(*layers), (1, 8, 8), ("a", "b"), "small").module
    grid = fit_linear(torch.tensor(low), torch.tensor(1.5), 8, "affine")
    insert_quantizers(module, dict.fromkeys(("input_1", "_0", "_2"), grid))
    step = Quantize(weight_bits=8)
    weights = {n: module.get_submodule(n).weight for n in ("0", "2")}
    grids = {n: weight_grid(weight, step) for n, weight in weights.items()}
    compute_in_integers(module, grids, {n: grids[n].encode(w) for n, w in weights.items()})
    first, last = module.get_submodule("0"), module.get_submodule("2")
    assert isinstance(first, IntegerLayer) and first.gives_codes
    assert isinstance(last, IntegerLayer) and not last.gives_codes
    x = torch.randn(4, 1, 8, 8)
    by_codes = module(x)
    first.gives_codes = False
    assert torch.equal(module(x), by_codes)
    assert len(by_codes.unique()) > 20


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0.0, 6.0, OnGrid),  # made after ReLU6 had its say: it changes none of these values
        (0.0, 2.5, OnGrid),
        (0.0, 9.0, InPlace),
        (-1.0, 6.0, InPlace),
    ],
)
def test_functions_that_change_nothing_are_left_out(low: float, high: float, kind: type) -> None:
    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.most = nn.Conv2d(1, 2, 3), nn.ReLU6()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.most(self.conv(x)).flatten(1)

    torch.manual_seed(0)
    module = from_module(Small(), (1, 4, 4), ("a", "b"), "small").module
    weights = weight_grid(module.conv.weight, Quantize(weight_bits=8))

    def between(low: float, high: float) -> LinearGrid:
        return fit_linear(torch.tensor(low), torch.tensor(high), 8, "affine")

    insert_quantizers(module, {"x": between(-9.0, 9.0), "most": between(low, high)})
    x = 20 * torch.randn(50, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    grid = module.most_grid.grid
    compute_in_integers(module, {"conv": weights}, {"conv": weights.encode(module.conv.weight)})
    assert isinstance(module.conv, IntegerLayer) and type(module.most_grid) is kind
    assert any(node.name == "most" for node in module.graph.nodes) == (kind is InPlace)
    with torch.no_grad():
        on_grid = module.conv(module.x_grid(x))
        assert torch.equal(module(x), fake_quantize(nn.functional.relu6(on_grid), grid).flatten(1))


@pytest.mark.parametrize(("loud", "bias"), [(False, 1), (True, 1), (False, 2**24 + 1)])
def test_sums_that_might_be_too_wide_are_told_exactly(
    loud: bool, bias: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 4,096 products of up to 255 x 127 could add up to 8 times what float32 tells apart.
    layer = nn.Conv2d(4096, 2, 1).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(-127, 128, layer.weight.shape, generator=generator).float()
    layer.weight.data = values.abs() if loud else values
    layer.weight.data[:, 0] = 127.0
    layer.bias.data = torch.tensor([float(bias), -3.0], dtype=torch.float64)
    inputs = fit_linear(torch.tensor(0.0), torch.tensor(255.0), 8, "affine")
    weights = fit_linear(torch.tensor(-127.0), torch.tensor(127.0), 8, "symmetric")
    outputs = fit_linear(torch.tensor(0.0), torch.tensor(2.0**26), 8, "affine")
    codes = layer.weight.to(torch.int8)
    exact = IntegerLayer(layer, codes, inputs, weights, outputs)
    x = torch.randint(0, 256, (3, 4096, 1, 1), generator=generator).float()
    products = x.flatten(1).to(torch.int64) @ codes.flatten(1).to(torch.int64).T
    if not loud and fits(layer):
        # Not by arithmetic in float64, which takes many times as long.
        monkeypatch.delattr(integer_layer, "functional_call")
    sums = exact._sums(x)
    assert torch.equal(sums.flatten(1).to(torch.int64), products + torch.tensor([bias, -3]))
    assert bool((products.abs() > 2**24).any()) == loud
    assert exact.reach > 2**24 and sums.dtype is torch.float64
