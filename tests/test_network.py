import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_core.network import from_graph, from_module, layer_weight, output_layers
from compress_core.zoo.build import build
from tests.nets import LABELS, NETWORKS, noise, untrained

# Name: parameters and multiply-accumulates for one sample, both by hand.
LENET_5 = {
    "conv1": (6 * 25 + 6, 28 * 28 * 6 * 25),
    "conv2": (16 * 6 * 25 + 16, 10 * 10 * 16 * 6 * 25),
    "fc1": (400 * 120 + 120, 400 * 120),
    "fc2": (120 * 84 + 84, 120 * 84),
    "fc3": (84 * 10 + 10, 84 * 10),
}


def test_lenet_5_counted_by_hand() -> None:
    network = untrained("lenet-5")
    found = {layer.name: (layer.parameters, layer.macs) for layer in network.layers}
    assert found == LENET_5
    assert network.parameters == 61_706
    assert network.macs == 416_520
    assert network.layers[1].shape == (16, 6, 5, 5)
    assert network.layers[1].kind == "conv2d" and network.layers[2].kind == "linear"


@pytest.mark.parametrize(
    ("architecture", "parameters", "macs"),
    [
        ("simple-nn", 6400 + 100 + 1000 + 10, 6400 + 1000),
        ("lenet-300-100", 266_610, 784 * 300 + 300 * 100 + 100 * 10),
        # Weights of six convolutions, two values a map of batch norm, the last layer.
        ("vgg-small", 285_984 + 2 * 448 + 11_530, 29_138_688),
        # 0.27 million (He et al., 2016); here with one input channel and 1 x 1 shortcuts.
        ("resnet-20", 272_186, 31_021_952),
    ],
)
def test_parameters_and_macs(architecture: str, parameters: int, macs: int) -> None:
    network = untrained(architecture)
    assert (network.parameters, network.macs) == (parameters, macs)


def test_macs_of_vgg_small_are_what_the_formula_says() -> None:
    maps, side, inputs, macs = (32, 64, 128), 28, 1, 0
    for outputs in maps:
        macs += side**2 * 9 * (inputs * outputs + outputs * outputs)
        inputs, side = outputs, side // 2
    assert untrained("vgg-small").macs == macs + 128 * 9 * 10


@pytest.mark.parametrize("architecture", NETWORKS)
def test_the_normal_form_computes_the_same(architecture: str) -> None:
    module = build(architecture, 3).eval()
    network = from_module(module, untrained(architecture).input_shape, LABELS, architecture)
    x = noise(network)
    with torch.no_grad():
        assert torch.equal(network.module(x), module(x))
    assert not network.module.training
    assert not any(p.requires_grad for p in network.module.parameters())


def test_the_module_that_was_given_stays_as_it_is() -> None:
    module = build("lenet-5", 0).train()
    network = from_module(module, (1, 28, 28), LABELS, "lenet-5")
    layer_weight(network.module, "fc1").fill_(0)
    assert module.training and all(p.requires_grad for p in module.parameters())
    assert module.get_submodule("fc1").weight.abs().min() > 0  # type: ignore[union-attr,operator]


class Moody(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Fresh(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * self.calls


def test_a_path_that_depends_on_values_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be read as one fixed graph"):
        from_module(Moody(), (3,), ("a",), "moody")


def test_a_graph_that_computes_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="computes something else"):
        from_module(Fresh(), (3,), ("a",), "fresh")


def test_grouped_one_dimensional_and_repeated_positions_are_counted() -> None:
    module = nn.Sequential(
        nn.Conv1d(4, 8, 3, groups=2, stride=2, bias=False), nn.Flatten(2), nn.Linear(7, 5)
    )
    layers = from_module(module, (4, 15), ("a",), "one axis").layers
    # 7 positions of 8 x 2 x 3 weights; 8 rows through 7 x 5 weights.
    assert [(layer.parameters, layer.macs) for layer in layers] == [(48, 7 * 48), (40, 8 * 35)]


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.left, self.right = (nn.Linear(4, 4) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.body(x))
        return self.left(y).relu() + self.right(y)


def test_output_layers_are_those_that_nothing_follows() -> None:
    assert output_layers(untrained("lenet-5").module) == {"fc3"}
    assert output_layers(untrained("resnet-20").module) == {"fc"}
    assert output_layers(from_module(TwoHeads(), (4,), ("a",), "two").module) == {"left", "right"}


def test_the_inventory_follows_the_graph() -> None:
    network = untrained("lenet-5")
    again = from_graph(network.module, network.input_shape, network.labels, network.name)
    assert again.layers == network.layers
    assert repr(network) == "Network(lenet-5, 5 layers, 61,706 parameters)"
