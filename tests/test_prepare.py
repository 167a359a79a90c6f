import pytest
import torch

from compress_core.compress import compress, preparation, prepare
from compress_core.recipe import Prune, Quantize, Recipe, RecipeError
from tests.nets import fingerprint, noise_data, untrained


def test_what_is_prepared_once_serves_every_rounding() -> None:
    network = untrained("vgg-small")
    data = noise_data(network)
    first, other = (
        Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=bits, activation_bits=8)))
        for bits in (4, 8)
    )
    assert preparation(first) == preparation(other)
    prepared = prepare(network, first, data)
    again, alone = compress(network, other, data, prepared), compress(network, other, data)
    assert again.recipe == other
    assert torch.equal(again.module(data.test.inputs()), alone.module(data.test.inputs()))
    assert fingerprint(prepare(network, first, data).network) == fingerprint(prepared.network)


@pytest.mark.parametrize(
    "other",
    [
        Recipe(steps=(Prune(sparsity=0.5),)),
        Recipe(steps=(Prune(sparsity=0.6), Quantize())),
        Recipe(steps=(Prune(sparsity=0.5, criterion="random"), Quantize())),
        Recipe(steps=(Prune(sparsity=0.5), Quantize()), seed=1),
        Recipe(steps=(Prune(sparsity=0.1, granularity="channel"), Prune(sparsity=0.5), Quantize())),
        Recipe(steps=(Quantize(), Prune(sparsity=0.5))),
    ],
)
def test_recipes_that_prepare_otherwise_have_other_names(other: Recipe) -> None:
    assert preparation(other) != preparation(Recipe(steps=(Prune(sparsity=0.5), Quantize())))


def test_a_pattern_that_matches_nothing_is_refused_also_when_all_is_prepared() -> None:
    network = untrained("simple-nn")
    recipe = Recipe(steps=(Quantize(layers="conv9"),))
    with pytest.raises(RecipeError, match="conv9"):
        compress(network, recipe, prepared=prepare(network, Recipe(steps=(Quantize(),))))
