import pytest
import torch

from compress_core.blocks import sections
from compress_core.network import Network
from compress_core.quantize import fold_batch_norms
from tests.nets import NETWORKS, noise, thin_resnet, untrained


def layers(network: Network, reconstruction: str) -> list[tuple[str, ...]]:
    found = sections(network.module, reconstruction)  # type: ignore[arg-type]
    return [section.layers for section in found if section.layers]


def test_residual_blocks_stay_whole() -> None:
    found = layers(fold_batch_norms(thin_resnet()), "block")
    assert found[:3] == [
        ("conv1",),
        ("stage1.0.conv1", "stage1.0.conv2"),
        ("stage1.1.conv1", "stage1.1.conv2"),
    ]
    assert found[4] == ("stage2.0.conv1", "stage2.0.conv2", "stage2.0.shortcut.0")
    assert found[-1] == ("fc",)
    assert len(found) == 11


def test_layers_in_a_row_are_blocks_of_two_or_three() -> None:
    assert layers(untrained("lenet-5"), "block") == [("conv1", "conv2"), ("fc1", "fc2", "fc3")]
    assert [len(block) for block in layers(untrained("vgg-small"), "block")] == [2, 2, 3]


@pytest.mark.parametrize("reconstruction", ["layer", "block"])
@pytest.mark.parametrize("architecture", NETWORKS)
def test_sections_in_a_row_are_the_network(architecture: str, reconstruction: str) -> None:
    network = untrained(architecture)
    x = noise(network)
    values = {node.name: x for node in network.module.graph.nodes if node.op == "placeholder"}
    seen: list[str] = []
    for section in sections(network.module, reconstruction):  # type: ignore[arg-type]
        values[section.output] = section.run({}, [values[name] for name in section.inputs])
        seen += section.layers
    assert torch.equal(values[section.output], network.module(x))
    assert seen == [layer.name for layer in network.layers]


def test_other_weights_stand_in_for_those_of_the_section() -> None:
    network = untrained("simple-nn")
    (section,) = sections(network.module, "block")
    x = noise(network)
    nothing = section.run({"fc2": torch.zeros(10, 100)}, [x])
    bias = network.module.get_submodule("fc2").bias
    assert torch.equal(nothing, bias.expand(4, 10))
    assert torch.equal(section.run({}, [x]), network.module(x))
