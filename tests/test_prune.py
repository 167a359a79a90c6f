from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils import prune as torch_prune

from compress_core.allocation import erk
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.network import Network, layer_weight
from compress_core.recipe import Prune, Recipe, RecipeError
from compress_core.scenarios import load_scenario
from tests.nets import fingerprint, noise, untrained

TRAINED = ("digits/simple-nn", "fashion-mnist/lenet-300-100", "fashion-mnist/lenet-5",
           "fashion-mnist/vgg-small")  # fmt: skip
RESIDUAL_BLOCKS = [f"stage{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1, 2)]


def trained(name: str) -> Network:
    return load_scenario(name).network


def pruned(network: Network, **step: object) -> Compressed:
    return compress(network, Recipe(steps=(Prune(**step),)))  # type: ignore[arg-type]


@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.8, 0.95])
@pytest.mark.parametrize("name", TRAINED)
def test_each_layer_loses_what_torch_prunes(name: str, sparsity: float) -> None:
    network = trained(name)
    found = pruned(network, sparsity=sparsity)
    for layer in network.layers:
        copy = deepcopy(network.module.get_submodule(layer.name))
        torch_prune.l1_unstructured(copy, "weight", sparsity)
        assert torch.equal(found.masks[layer.name], copy.weight_mask.bool())
        assert torch.equal(found.weight(layer.name), copy.weight)


@pytest.mark.parametrize("sparsity", [0.3, 0.8, 0.95])
@pytest.mark.parametrize("name", TRAINED)
def test_all_layers_together_lose_what_torch_prunes(name: str, sparsity: float) -> None:
    network = trained(name)
    found = pruned(network, sparsity=sparsity, allocation="global")
    copy = deepcopy(network.module)
    layers = [(copy.get_submodule(layer.name), "weight") for layer in network.layers]
    torch_prune.global_unstructured(
        layers, pruning_method=torch_prune.L1Unstructured, amount=sparsity
    )
    for layer, (theirs, _) in zip(network.layers, layers, strict=True):
        assert torch.equal(found.masks[layer.name], theirs.weight_mask.bool())


@pytest.mark.parametrize("threshold", [0.0, 0.01, 0.05])
def test_a_threshold_takes_what_is_smaller(threshold: float) -> None:
    network = trained("fashion-mnist/lenet-5")
    found = pruned(network, threshold=threshold)
    for layer in network.layers:
        weight = layer_weight(network.module, layer.name)
        assert torch.equal(found.masks[layer.name], weight.abs() >= threshold)


@pytest.mark.parametrize("allocation", ["global", "lamp", "erk", "uniform"])
def test_nothing_takes_a_whole_layer(allocation: str) -> None:
    network = untrained("lenet-5")
    for step in ({"sparsity": 0.9999, "allocation": allocation}, {"threshold": 1e6}):
        assert all(mask.any() for mask in pruned(network, **step).masks.values())


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6),
    st.floats(0, 0.9),
)
def test_erk_meets_its_share_whatever_the_shapes(
    shapes: list[tuple[int, int]], sparsity: float
) -> None:
    scores = {str(i): torch.rand(shape) for i, shape in enumerate(shapes)}
    masks = erk(scores, sparsity)
    total = sum(score.numel() for score in scores.values())
    dropped = sum(int((~mask).sum()) for mask in masks.values())
    assert dropped == min(round(sparsity * total), total - len(shapes))


def test_erk_takes_the_difference_from_layers_that_have_it() -> None:
    # Each square layer rounds 0.6 weights up to one; the largest layer has none to give back.
    scores = {"wide": torch.rand(2, 1000)} | {str(i): torch.rand(40, 40) for i in range(5)}
    masks = erk(scores, 0.0003)
    assert masks["wide"].all()
    assert sum(int((~mask).sum()) for mask in masks.values()) == 3


def lowest(scores: Tensor, sparsity: float) -> list[int]:
    """Return the channels with the smallest scores, at most all but one."""
    count = min(round(sparsity * len(scores)), len(scores) - 1)
    return sorted(scores.argsort(stable=True)[:count].tolist())


def root_mean_square(network: Network, layers: list[str]) -> Tensor:
    weights = [layer_weight(network.module, name).flatten(1) for name in layers]
    return torch.stack([weight.square().mean(1) for weight in weights]).mean(0).sqrt()


# Architecture: groups of layers whose channels are one, each with what makes its channel zero.
SILENCED: dict[str, list[dict[str, str]]] = {
    "lenet-5": [{name: name} for name in ("conv1", "conv2", "fc1", "fc2")],
    "lenet-300-100": [{"fc1": "fc1"}, {"fc2": "fc2"}],
    "vgg-small": [{f"conv{s}_{p}": f"bn{s}_{p}"} for s in (1, 2, 3) for p in (1, 2)],
    "resnet-20": [
        *({f"{block}.conv1": f"{block}.bn1"} for block in RESIDUAL_BLOCKS),
        {"conv1": "bn1"} | {f"stage1.{i}.conv2": f"stage1.{i}.bn2" for i in range(3)},
        *(
            {f"stage{s}.0.shortcut.0": f"stage{s}.0.shortcut.1"}
            | {f"stage{s}.{i}.conv2": f"stage{s}.{i}.bn2" for i in range(3)}
            for s in (2, 3)
        ),
    ],
}


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.99])
@pytest.mark.parametrize("architecture", SILENCED)
def test_without_its_channels_a_network_answers_as_if_they_were_silent(
    architecture: str, sparsity: float
) -> None:
    network = untrained(architecture)
    for layer in network.layers:
        # Layers of one size, so that each has a say in which tied channels go.
        weight = layer_weight(network.module, layer.name)
        weight /= 10 * weight.square().mean().sqrt()
    small = pruned(network, sparsity=sparsity, granularity="channel").network
    silent = deepcopy(network.module)
    sizes = {layer.name: layer.shape[0] for layer in small.layers}
    for group in SILENCED[architecture]:
        channels = lowest(root_mean_square(network, list(group)), sparsity)
        for name, switch in group.items():
            assert sizes[name] == layer_weight(network.module, name).shape[0] - len(channels)
            for value in silent.get_submodule(switch).parameters():
                value[channels] = 0
    x = noise(network)
    with torch.no_grad():
        wanted = silent(x)
        assert torch.allclose(small.module(x), wanted, atol=1e-5 * float(wanted.abs().max()))
    # What is left are the original weights, untouched.
    assert small.parameters < network.parameters and small.macs < network.macs


@pytest.mark.parametrize("architecture", SILENCED)
def test_at_99_percent_no_layer_is_empty_and_all_classes_stay(architecture: str) -> None:
    network = untrained(architecture)
    small = pruned(network, sparsity=0.99, granularity="channel").network
    *inner, last = small.layers
    # Of 300 outputs 3 are 1 %, of 128 and fewer one.
    assert {layer.shape[0] for layer in inner} <= {1, 3}
    assert last.shape[0] == 10
    assert small.module(noise(network)).shape == (4, 10)
    assert small.parameters == sum(p.numel() for p in small.module.parameters())


def test_shapes_of_lenet_5_at_half() -> None:
    small = pruned(untrained("lenet-5"), sparsity=0.5, granularity="channel").network
    assert {layer.name: layer.shape for layer in small.layers} == {
        "conv1": (3, 1, 5, 5),
        "conv2": (8, 3, 5, 5),
        "fc1": (60, 8 * 25),
        "fc2": (42, 60),
        "fc3": (10, 42),
    }
    assert small.macs == 28 * 28 * 75 + 10 * 10 * 600 + 200 * 60 + 60 * 42 + 420


def test_channels_come_in_multiples_where_there_are_enough() -> None:
    small = pruned(untrained("vgg-small"), sparsity=0.6, granularity="channel", round_to=8).network
    # 13, 26 and 51 of 32, 64 and 128 are left, and then filled up to multiples of 8.
    assert [layer.shape[0] for layer in small.layers] == [16, 16, 32, 32, 56, 56, 10]
    tiny = pruned(untrained("lenet-5"), sparsity=0.9, granularity="channel", round_to=8).network
    assert tiny.layers[0].shape[0] == 6  # there are no eight


def test_a_pattern_names_layers_and_blocks() -> None:
    network = untrained("resnet-20")
    before = {layer.name: layer.shape for layer in network.layers}

    def changed(layers: str) -> set[str]:
        small = pruned(network, sparsity=0.5, granularity="channel", layers=layers).network
        return {layer.name for layer in small.layers if layer.shape != before[layer.name]}

    assert changed("stage2.1.conv1") == {"stage2.1.conv1", "stage2.1.conv2"}
    # The block's second layer is tied to all of its stage, and what reads it shrinks with it.
    stage2 = {name for name in before if name.startswith("stage2.")} - {"stage2.0.conv1"}
    assert changed("stage2.1") == stage2 | {"stage3.0.conv1", "stage3.0.shortcut.0"}


def test_the_last_step_that_names_a_layer_decides() -> None:
    network = untrained("lenet-5")
    steps = (
        Prune(sparsity=0.5, granularity="channel"),
        Prune(sparsity=0.0, granularity="channel", layers="conv*"),
    )
    small = compress(network, Recipe(steps=steps)).network
    assert [layer.shape[0] for layer in small.layers] == [6, 16, 60, 42, 10]


def test_channels_that_are_the_answer_cannot_go() -> None:
    with pytest.raises(RecipeError, match="fc3"):
        pruned(untrained("lenet-5"), sparsity=0.5, granularity="channel", layers="fc3")


def test_channels_below_a_threshold_go() -> None:
    network = untrained("lenet-5")
    layer_weight(network.module, "fc1")[5:25] *= 0.01
    small = pruned(network, threshold=0.005, granularity="channel").network
    assert [layer.shape[0] for layer in small.layers] == [6, 16, 100, 84, 10]


@pytest.mark.parametrize("granularity", ["weight", "channel", "kernel"])
def test_the_original_stays_as_it_is(granularity: str) -> None:
    network = untrained("resnet-20")
    before = fingerprint(network)
    pruned(network, sparsity=0.5, granularity=granularity)
    assert fingerprint(network) == before
