import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compress_core.batch_norms import moved_statistics
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.fit_grid import fit_linear
from compress_core.network import layer_weight, matching
from compress_core.quantize import fold_batch_norms, shipped_weight
from compress_core.recipe import Factorize, Prune, Quantize, Recipe, RecipeError, Step
from compress_core.scenarios import load_scenario
from tests.nets import NETWORKS, fingerprint, hooks, noise, noise_data, thin_resnet, untrained

EVERY_KIND: dict[str, tuple[Step, ...]] = {
    "nothing": (),
    "weights": (Prune(sparsity=0.6),),
    "threshold": (Prune(threshold=0.05),),
    "n:m": (Prune(granularity="n:m", n_of_m="2:4"),),
    "kernels": (Prune(sparsity=0.5, granularity="kernel", allocation="global"),),
    "channels": (Prune(sparsity=0.5, granularity="channel"),),
    "taylor": (Prune(sparsity=0.5, criterion="taylor", allocation="lamp"),),
    "wanda": (Prune(sparsity=0.5, criterion="wanda", allocation="erk"),),
    "random channels": (Prune(sparsity=0.5, granularity="channel", criterion="random"),),
    "low rank": (Factorize(rank=0.3),),
    "weights in 4 bits": (Quantize(weight_bits=4),),
    "both in 8 bits": (Quantize(weight_bits=8, activation_bits=8, scheme="affine"),),
    "activations": (Quantize(weight_bits=None, activation_bits=4),),
    "codebook": (Quantize(weight_bits=3, grid="codebook"),),
    "powers": (Quantize(weight_bits=4, grid="power_of_two", calibration="mse"),),
    "equalized": (Quantize(weight_bits=4, equalize=True, bias_correction=True),),
    "all": (
        Prune(sparsity=0.3, granularity="channel"),
        Prune(sparsity=0.5),
        Quantize(weight_bits=4, activation_bits=8, granularity="per_group", calibration="mse"),
    ),
}
each_kind = pytest.mark.parametrize("steps", EVERY_KIND.values(), ids=EVERY_KIND)


def state(compressed: Compressed) -> dict[str, torch.Tensor]:
    return compressed.module.state_dict()


@each_kind
def test_compression_changes_nothing_that_it_was_given(
    steps: tuple[Step, ...], tmp_path: Path
) -> None:
    network = thin_resnet()
    data = noise_data(network)
    kept = [data.train.x.clone(), data.train.y.clone()]
    generator, threads = torch.random.get_rng_state(), threading.active_count()
    before = fingerprint(network)
    compressed = compress(network, Recipe(steps=steps), data)
    compressed.module(noise(network))
    assert fingerprint(network) == before
    assert torch.equal(data.train.x, kept[0]) and torch.equal(data.train.y, kept[1])
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert hooks(network.module) == hooks(compressed.module) == 0
    assert threading.active_count() == threads
    assert not list(tmp_path.iterdir())


@each_kind
def test_the_result_is_an_ordinary_network_that_gives_answers(steps: tuple[Step, ...]) -> None:
    network = thin_resnet()
    compressed = compress(network, Recipe(steps=steps), noise_data(network))
    with torch.no_grad():
        answers = compressed.module(noise(network))
    assert answers.shape == (4, 10) and answers.isfinite().all()
    assert not answers.is_inference()
    assert not compressed.module.training
    assert not any(p.requires_grad or p.is_inference() for p in compressed.module.parameters())


@each_kind
def test_the_same_recipe_gives_the_same_network(steps: tuple[Step, ...]) -> None:
    network = thin_resnet()
    recipe = Recipe(steps=steps, seed=3)
    one = compress(network, recipe, noise_data(network))
    torch.manual_seed(99)
    other = compress(network, recipe, noise_data(network))
    assert state(one).keys() == state(other).keys()
    assert all(torch.equal(value, state(other)[name]) for name, value in state(one).items())
    x = noise(network)
    assert torch.equal(one.module(x), other.module(x))


@each_kind
def test_every_weight_is_what_the_law_says(steps: tuple[Step, ...]) -> None:
    network = untrained("lenet-5")
    compressed = compress(network, Recipe(steps=steps), noise_data(network))
    for name in compressed.layer_names:
        mask, grid = compressed.masks.get(name), compressed.weight_grids.get(name)
        weight = compressed.weight(name)
        assert torch.equal(state(compressed)[f"{name}.weight"], weight)
        assert torch.equal(weight, shipped_weight(compressed.float_weight(name), mask, grid))
        assert mask is None or not weight[~mask].any()
        assert grid is None or torch.equal(grid.decode(grid.encode(weight)), weight)


@pytest.mark.parametrize("architecture", NETWORKS)
def test_an_empty_recipe_changes_nothing(architecture: str) -> None:
    network = untrained(architecture)
    compressed = compress(network, Recipe(), noise_data(network))
    x = noise(network)
    with torch.no_grad():
        assert torch.equal(compressed.module(x), network.module(x))
    assert all(torch.equal(v, network.module.state_dict()[n]) for n, v in state(compressed).items())
    assert not compressed.masks and not compressed.weight_grids and not compressed.activation_grids


@pytest.mark.parametrize("architecture", NETWORKS)
def test_sixteen_bits_answer_as_the_original(architecture: str) -> None:
    network = untrained(architecture)
    recipe = Recipe(steps=(Quantize(weight_bits=16, activation_bits=16),))
    data = noise_data(network)
    x = data.train.x  # ranges come from these samples, so nothing is clipped
    with torch.no_grad():
        wanted = network.module(x)
        found = compress(network, recipe, data).module(x)
    assert (found - wanted).abs().max() < 1e-3 * wanted.abs().max()


def test_the_last_step_that_names_a_layer_decides() -> None:
    network = untrained("lenet-5")
    steps = (
        Prune(sparsity=0.5),
        Prune(sparsity=0.9, layers="fc*"),
        Prune(sparsity=0.0, layers="fc3"),
        Quantize(weight_bits=8),
        Quantize(weight_bits=2, layers="fc1"),
        Quantize(weight_bits=5, layers="fc[12]"),
    )
    compressed = compress(network, Recipe(steps=steps))
    gone = {name: int((~mask).sum()) for name, mask in compressed.masks.items()}
    assert gone == {"conv1": 75, "conv2": 1200, "fc1": 43_200, "fc2": 9072, "fc3": 0}
    bits = {name: grid.bits for name, grid in compressed.weight_grids.items()}
    assert bits == {"conv1": 8, "conv2": 8, "fc1": 5, "fc2": 5, "fc3": 8}


def test_activations_of_one_layer_can_have_bits_of_their_own() -> None:
    network = untrained("lenet-5")
    steps = (
        Quantize(weight_bits=None, activation_bits=8),
        Quantize(weight_bits=None, activation_bits=4, layers="conv2"),
        Quantize(weight_bits=None, activation_bits=5, layers="fc3"),
    )
    grids = compress(network, Recipe(steps=steps), noise_data(network)).activation_grids
    bits = {node: grid.bits for node, grid in grids.items()}
    # The answer, fc3, keeps at least eight bits.
    assert bits == {"input_1": 8, "relu1": 8, "relu2": 4, "relu3": 8, "relu4": 8, "fc3": 8}


def test_layers_that_no_step_names_stay_as_they_are() -> None:
    network = untrained("lenet-5")
    steps = (Prune(sparsity=0.5, layers="fc1"), Quantize(weight_bits=2, layers="fc1"))
    compressed = compress(network, Recipe(steps=steps))
    assert list(compressed.masks) == list(compressed.weight_grids) == ["fc1"]
    for name in ("conv1", "conv2", "fc2", "fc3"):
        assert torch.equal(compressed.weight(name), layer_weight(network.module, name))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", ["conv1", "stage1.0.conv1", "stage1.0.shortcut.0"]),
        ("conv1", ["conv1"]),
        ("stage1.0", ["stage1.0.conv1"]),
        ("stage1.*", ["stage1.0.conv1", "stage1.0.shortcut.0"]),
        ("*.conv1", ["stage1.0.conv1"]),
        ("CONV1", []),
        ("conv", []),
    ],
)
def test_patterns_name_layers_and_blocks(pattern: str, names: list[str]) -> None:
    assert matching(pattern, ["conv1", "stage1.0.conv1", "stage1.0.shortcut.0"]) == names


def test_a_block_reaches_its_weights_and_activations() -> None:
    network = untrained("resnet-20")
    step = Quantize(weight_bits=4, activation_bits=4, layers="stage2.0")
    compressed = compress(network, Recipe(steps=(step,)), noise_data(network))
    assert list(compressed.weight_grids) == ["stage2.0.conv1", "stage2.0.conv2"]
    assert set(compressed.activation_grids) == {"stage2_0_relu1", "stage2_0_conv2"}


@pytest.mark.parametrize("kind", ["weight", "channel", "low rank", "rounding"])
def test_a_pattern_that_matches_nothing_is_an_error(kind: str) -> None:
    steps: dict[str, Step] = {
        "weight": Prune(sparsity=0.5, layers="fx*"),
        "channel": Prune(sparsity=0.5, granularity="channel", layers="fx*"),
        "low rank": Factorize(rank=0.5, layers="fx*"),
        "rounding": Quantize(layers="fx*"),
    }
    step = steps[kind]
    with pytest.raises(RecipeError, match=r"No layer is called 'fx\*'; this network has conv1, "):
        compress(untrained("lenet-5"), Recipe(steps=(step,)))


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (Quantize(activation_bits=8), "Rounding activations"),
        (Quantize(bias_correction=True), "Bias correction"),
        (Quantize(rounding="learned"), "Learned rounding"),
        (Prune(sparsity=0.5, criterion="taylor"), "The criterion taylor"),
        (Prune(sparsity=0.5, criterion="wanda", granularity="channel"), "The criterion wanda"),
    ],
)
def test_what_needs_data_says_so(step: Step, what: str) -> None:
    with pytest.raises(RecipeError, match=f"{what} looks at sample data and there are none"):
        compress(untrained("lenet-5"), Recipe(steps=(step,)))


def test_only_training_samples_are_looked_at() -> None:
    network = thin_resnet()
    data = noise_data(network)
    unread = replace(data, validation=None, test=None)  # type: ignore[arg-type]
    for steps in EVERY_KIND.values():
        compress(network, Recipe(steps=steps), unread)


def test_batch_norms_are_estimated_anew_before_they_are_folded() -> None:
    network = untrained("vgg-small")
    data = noise_data(network)
    pruned = compress(network, Recipe(steps=(Prune(sparsity=0.5),)))
    expected = pruned.with_values(moved_statistics(pruned.graph, network, data.train)).module
    both = compress(network, Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=16))), data)
    norm = expected.get_submodule("bn2_1")
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    wanted = layer_weight(expected, "conv2_1") * factor.reshape(-1, 1, 1, 1)
    assert torch.allclose(both.weight("conv2_1"), wanted, atol=1e-4)


def test_rounding_alone_folds_batch_norms_as_they_were() -> None:
    network = untrained("vgg-small")
    compressed = compress(network, Recipe(steps=(Quantize(weight_bits=8),)), noise_data(network))
    folded = fold_batch_norms(network)
    for layer in folded.layers:
        weight = layer_weight(folded.module, layer.name)
        assert torch.equal(compressed.float_weight(layer.name), weight)


def test_other_values_come_as_a_new_network() -> None:
    compressed = compress(untrained("lenet-5"), Recipe())
    changed = compressed.with_values({"fc3.bias": torch.ones(10)})
    assert (state(changed)["fc3.bias"] == 1).all()
    assert not (state(compressed)["fc3.bias"] == 1).any()


def test_masked_weights_need_no_steep_range() -> None:
    # The grid is made for what is left: here the largest weights are pruned.
    weight = torch.tensor([[8.0, 0.5, -1.0]])
    mask = torch.tensor([[False, True, True]])
    grid = fit_linear(torch.tensor([-1.0]), torch.tensor([0.5]), 2, "symmetric", 0)
    assert shipped_weight(weight, mask, grid).tolist() == [[0.0, 0.0, -1.0]]


def test_half_the_weights_in_eight_bits_hardly_hurt_a_trained_network() -> None:
    scenario = load_scenario("fashion-mnist/lenet-5")
    recipe = Recipe(steps=(Prune(sparsity=0.5, allocation="lamp"), Quantize(activation_bits=8)))
    compressed = compress(scenario.network, recipe, scenario.data)
    x, y = scenario.data.validation.inputs(0, 500), scenario.data.validation.y[:500]
    with torch.no_grad():
        before = (scenario.network.module(x).argmax(1) == y).double().mean()
        after = (compressed.module(x).argmax(1) == y).double().mean()
    assert after > before - 0.03
