from collections import Counter

from compress_core.draw import draw_recipes
from compress_core.estimate import covers
from compress_core.recipe import Prune, Quantize
from tests.nets import untrained

NETWORK = untrained("lenet-5")


def test_a_seed_gives_the_same_recipes_and_a_longer_row_begins_with_the_shorter() -> None:
    assert draw_recipes(NETWORK, 5, seed=1) == draw_recipes(NETWORK, 20, seed=1)[:5]
    assert not set(draw_recipes(NETWORK, 20, seed=1)) & set(draw_recipes(NETWORK, 20, seed=2))


def test_every_kind_of_setting_is_drawn_and_covered_by_estimates() -> None:
    recipes = draw_recipes(NETWORK, 300, seed=0)
    steps = [step for recipe in recipes for step in recipe.steps]
    prunes = [step for step in steps if isinstance(step, Prune) and step.layers == "*"]
    rounds = [step for step in steps if isinstance(step, Quantize) and step.layers == "*"]

    assert all(map(covers, recipes)) and all(recipe.steps for recipe in recipes)
    assert set(Counter(p.allocation for p in prunes)) == {"uniform", "global", "lamp", "erk"}
    assert any(p.threshold for p in prunes)
    assert {q.weight_bits for q in rounds} >= {None, 2, 3, 4, 5, 6, 7, 8}
    assert {q.activation_bits for q in rounds} >= {None, 2, 3, 4, 5, 6, 7, 8}
    assert {step.layers for step in steps} >= {"conv1", "fc3"}
