"""Statistics of batch norms after a change: literals, torch's training mode, photographs."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, fx, nn

from compress_core.batch_norms import SAMPLES, moved_statistics
from compress_core.compress import compress
from compress_core.data import Data, Part
from compress_core.evaluate import evaluate
from compress_core.network import Network, from_module
from compress_core.prune import prune_channels
from compress_core.recipe import Prune, Recipe
from compress_core.scenarios import load_scenario
from tests.nets import LABELS, fingerprint, noise_data, untrained


def small() -> Network:
    """Return a network whose statistics are not those of the samples."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3, eps=0.0)
    norm.running_mean, norm.running_var = torch.tensor([5.0, -1.0, 2.0]), torch.tensor([3.0, 1, 9])
    module = nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), norm, nn.ReLU())
    return from_module(module, (1, 6, 6), LABELS, "small")


def batch(network: Network, part: Part) -> Tensor:
    """Return what the batch norm sees, channels x values."""
    conv = network.module.get_submodule("0")
    seen: Tensor = conv(part.x[:SAMPLES]).movedim(1, 0).flatten(1)
    return seen


def test_means_move_by_differences_and_variances_by_ratios() -> None:
    network = small()
    part = noise_data(network, train=256).train
    seen = batch(network, part)
    changed = deepcopy(network.module)
    changed.get_submodule("0").weight *= torch.tensor([1.0, 2.0, -3.0]).reshape(3, 1, 1, 1)
    found = moved_statistics(changed, network, part)
    # Weights that are k times as large make means k times and variances k * k times as large.
    moved = torch.tensor([5.0, -1.0, 2.0]) + seen.mean(1) * torch.tensor([0.0, 1.0, -4.0])
    assert torch.allclose(found["1.running_mean"], moved, atol=1e-5)
    assert torch.allclose(found["1.running_var"], torch.tensor([3.0, 4.0, 81.0]), rtol=1e-4)


def test_what_did_not_change_keeps_its_statistics() -> None:
    network = untrained("resnet-20")
    part = noise_data(network).train
    found = moved_statistics(deepcopy(network.module), network, part)
    assert len(found) == 2 * 21
    for name, value in found.items():
        assert torch.allclose(network.module.get_buffer(name), value, atol=1e-6), name


def test_where_the_original_keeps_what_it_sees_torch_finds_the_same() -> None:
    network, data = untrained("vgg-small"), noise_data(untrained("vgg-small"))
    fitted = trained_on(network.module, data.train)
    original = from_module(fitted, network.input_shape, network.labels, network.name)
    pruned = compress(original, Recipe(steps=(Prune(sparsity=0.7),)), data)
    expected = trained_on(pruned.module, data.train)
    for name, value in expected.named_buffers():
        if "running" in name:
            found = pruned.module.get_buffer(name)
            assert torch.allclose(found, value, rtol=0.02, atol=0.02), name


def trained_on(module: fx.GraphModule, part: Part) -> fx.GraphModule:
    """Return a copy whose batch norms keep what they see of the samples, as torch does it."""
    module = deepcopy(module).train()
    for leaf in module.modules():
        if isinstance(leaf, nn.BatchNorm2d):
            leaf.reset_running_stats()
            leaf.momentum = 1.0
    module(part.x[:SAMPLES])
    return module.eval()


def test_channels_are_known_by_their_numbers() -> None:
    network = small()

    def scorer(step: Prune, names: list[str]) -> dict[str, Tensor]:
        return {"0": torch.tensor([3.0, 1.0, 2.0]).reshape(3, 1, 1, 1).expand(3, 1, 3, 3)}

    wide = with_answer(network)
    thin, left = prune_channels(
        wide, [Prune(sparsity=0.3, granularity="channel", layers="0")], scorer
    )
    assert left["1"].tolist() == [0, 2]
    assert thin.module.get_buffer("1.running_mean").tolist() == [5.0, 2.0]
    part = noise_data(network, train=64).train
    found = moved_statistics(thin.module, wide, part, left=left)
    assert torch.allclose(found["1.running_mean"], torch.tensor([5.0, 2.0]))
    assert torch.allclose(found["1.running_var"], torch.tensor([3.0, 9.0]))


def with_answer(network: Network) -> Network:
    """Return the network with a layer behind it, so that its channels may go."""
    module = nn.Sequential(*deepcopy(network.module).children(), nn.Flatten(), nn.Linear(48, 10))
    return from_module(module.eval(), network.input_shape, LABELS, "small")


def test_pruning_re_estimates_batch_norms() -> None:
    network = untrained("vgg-small")
    data = noise_data(network)
    before = fingerprint(network)
    recipe = Recipe(steps=(Prune(sparsity=0.7),))
    with_data, without = compress(network, recipe, data), compress(network, recipe)
    name = "bn1_1.running_mean"
    assert torch.equal(without.module.get_buffer(name), network.module.get_buffer(name))
    assert not torch.equal(with_data.module.get_buffer(name), network.module.get_buffer(name))
    assert fingerprint(network) == before


@pytest.mark.parametrize("sparsity", [0.1, 0.2])
def test_photographs_unlike_the_training_do_no_harm(sparsity: float) -> None:
    photos = load_scenario("photos/efficientnet-lite0")
    data = Data(
        train=photos.data.train,
        validation=photos.data.validation.head(48),
        test=photos.data.test,
        labels=photos.data.labels,
    )
    recipe = Recipe(steps=(Prune(sparsity=sparsity),))
    as_it_was, fitted = (
        evaluate(compress(photos.network, recipe, given), data.validation).accuracy.value
        for given in (None, data)
    )
    assert fitted > as_it_was + 0.1
