import numpy as np
import pytest
import torch

from compress_core.integer_layer import IntegerLayer
from compress_core.integers import integer_layers
from tests.exports import compressed

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
