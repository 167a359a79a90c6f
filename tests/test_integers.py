import pytest
import torch

from compress_core.integers import integer_layers, output_grid, round_biases
from compress_core.network import layer_weight
from tests.exports import compressed

LENET_5 = "fashion-mnist/lenet-5"
ALL = ["conv1", "conv2", "fc1", "fc2", "fc3"]


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("w8a8", ALL),
        ("w4a4", ALL),
        ("a8 of fc*", ["fc2", "fc3"]),
        ("w8", []),
        ("w12a12", []),
        ("w8a8 affine", []),
        ("w4a8 codebook", []),
        ("powers", []),
    ],
)
def test_layers_with_small_even_codes_on_all_sides_are_integer(
    name: str, layers: list[str]
) -> None:
    of = compressed(LENET_5, name)
    assert list(integer_layers(of.graph, of.weight_grids)) == layers


def test_biases_become_whole_multiples_of_input_step_times_weight_step() -> None:
    of = compressed(LENET_5, "w8a8")
    for name, (inputs, weights, _) in integer_layers(of.graph, of.weight_grids).items():
        bias = of.graph.get_submodule(name).bias
        assert isinstance(bias, torch.Tensor)
        codes = bias.double() / (inputs.scale.double() * weights.scale.double())
        assert torch.allclose(codes, codes.round(), atol=1e-3)
        before = of.network.module.get_submodule(name).bias
        assert isinstance(before, torch.Tensor)
        assert bool(((bias - before).abs() <= inputs.scale * weights.scale).all())


def test_rounding_biases_again_changes_nothing() -> None:
    of = compressed(LENET_5, "w4a4")
    before = {name: t.clone() for name, t in of.graph.state_dict().items()}
    round_biases(of.graph, of.weight_grids)
    assert all(torch.equal(before[name], t) for name, t in of.graph.state_dict().items())


def test_the_answer_is_on_the_grid_of_the_last_layer() -> None:
    of = compressed(LENET_5, "w8a8")
    assert output_grid(of.graph) is of.activation_grids["fc3"]
    assert output_grid(compressed(LENET_5, "w8").graph) is None
    assert layer_weight(of.graph, "fc3").shape == (10, 84)
