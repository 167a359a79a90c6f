import pytest

from compress_core.budget import share_for, with_share
from compress_core.compress import compress
from compress_core.recipe import Prune, Quantize, Recipe, RecipeError
from compress_core.scenarios import load_scenario
from compress_core.sizes import sizes

SCENARIO = load_scenario("digits/simple-nn")


def test_the_share_is_just_enough_for_the_bytes() -> None:
    recipe = Recipe(steps=(Prune(sparsity=0.1), Quantize(weight_bits=4)))
    share = share_for(SCENARIO.network, recipe, SCENARIO.data, "packed_bytes", 2000)

    def packed(sparsity: float) -> int:
        shared = with_share(recipe, sparsity)
        return sizes(compress(SCENARIO.network, shared, SCENARIO.data)).packed_bytes

    assert packed(share) <= 2000 < packed(share - 0.02)


def test_channels_are_derived_from_work() -> None:
    recipe = Recipe(steps=(Prune(sparsity=0.1, granularity="channel"),))
    share = share_for(SCENARIO.network, recipe, None, "macs", 3700)
    # 7,400 multiplications for 100 hidden channels, 74 for each.
    assert share == pytest.approx(0.5, abs=0.01)
    assert compress(SCENARIO.network, with_share(recipe, share)).network.macs == 3700


def test_what_cannot_be_reached_is_said() -> None:
    recipe = Recipe(steps=(Prune(sparsity=0.1),))
    with pytest.raises(RecipeError, match="No share gets there"):
        share_for(SCENARIO.network, recipe, None, "packed_bytes", 10)
    with pytest.raises(RecipeError, match="Nothing is pruned by share"):
        share_for(SCENARIO.network, Recipe(), None, "packed_bytes", 10)
