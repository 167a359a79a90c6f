"""What pages share is what the core says: the file that was packed aside is the whole file."""

import pytest

from compress_core.compress import compress, foreseen, prune
from compress_core.fit_file import to_bytes
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.scenarios import load_scenario
from compress_core.sizes import sizes
from pages.shared import cached

NAME = "digits/simple-nn"
STEPS: dict[str, tuple[Step, ...]] = {
    "nothing": (),
    "pruned": (Prune(sparsity=0.5),),
    "weights": (Quantize(weight_bits=4),),
    "both": (Prune(sparsity=0.3), Quantize(weight_bits=6, activation_bits=8)),
    "activations": (Quantize(activation_bits=8),),
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_bytes_on_the_page_are_those_of_the_file(steps: tuple[Step, ...]) -> None:
    base, recipe = load_scenario(NAME, 0), Recipe(steps=steps)
    found, alone = cached.sizes(NAME, 0, recipe), compress(base.network, recipe, base.data)
    assert found == sizes(alone)
    assert found.packed_bytes == len(to_bytes(alone).data)


def test_weights_that_were_packed_before_batch_norms_are_the_right_ones() -> None:
    name, recipe = (
        "watch/conv",
        Recipe(steps=(Prune(sparsity=0.3), Quantize(weight_bits=8, activation_bits=8))),
    )
    base = load_scenario(name, 0)
    assert foreseen(prune(base.network, recipe, base.data), recipe).weight_grids
    found, alone = cached.sizes(name, 0, recipe), compress(base.network, recipe, base.data)
    assert found == sizes(alone)


def test_the_untouched_network_stays_while_recipes_come_and_go() -> None:
    before = cached.compressed(NAME, 0, Recipe())
    recipes = [Recipe(steps=(Prune(sparsity=share / 10),)) for share in range(1, 9)]
    first, *_ = [cached.compressed(NAME, 0, recipe) for recipe in recipes]
    assert cached.compressed(NAME, 0, Recipe()) is before
    assert cached.compressed(NAME, 0, recipes[0]) is not first  # seven others took its place


def test_a_recipe_without_steps_is_kept_as_it_was_asked_for() -> None:
    assert cached.compressed(NAME, 0, Recipe(seed=3)).recipe == Recipe(seed=3)
