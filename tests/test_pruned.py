"""What is pruned before batch norms learn of it, and which weights are known by then."""

import pytest
import torch

from compress_core.compress import compress, foreseen, prepare, prune
from compress_core.packed import stored_arrays, weight_arrays
from compress_core.recipe import Prune, Quantize, Recipe
from tests.nets import noise_data, untrained


@pytest.mark.parametrize("step", [Quantize(weight_bits=8), Quantize(weight_bits=4, layers="fc")])
def test_weights_that_no_batch_norm_follows_are_foreseen(step: Quantize) -> None:
    network = untrained("vgg-small")
    recipe, data = Recipe(steps=(Prune(sparsity=0.5), step)), noise_data(network)
    early, late = foreseen(prune(network, recipe, data), recipe), compress(network, recipe, data)
    assert set(early.weight_grids) == {"fc"}
    assert torch.equal(early.codes("fc"), late.codes("fc"))
    found, stored = weight_arrays(early, "fc"), stored_arrays(late)
    assert all((array == stored[name]).all() for name, array in found.items())


def test_where_there_are_no_batch_norms_nothing_is_to_be_foreseen() -> None:
    network = untrained("lenet-5")
    recipe = Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=8)))
    assert not foreseen(prune(network, recipe), recipe).weight_grids


def test_what_is_pruned_already_is_not_pruned_again() -> None:
    network = untrained("vgg-small")
    recipe, data = Recipe(steps=(Prune(sparsity=0.5, granularity="channel"),)), noise_data(network)
    pruned = prune(network, recipe, data)
    result = prepare(network, recipe, data, pruned)
    assert result.masks is pruned.compressed.masks
    alone = prepare(network, recipe, data)
    for name, value in alone.module.state_dict().items():
        assert torch.equal(result.module.state_dict()[name], value), name
