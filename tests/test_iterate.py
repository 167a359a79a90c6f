import pytest

from compress_core.events import EpochEnd, Finished, Started, StepEnd
from compress_core.iterate import recipe_part, run_recipe
from compress_core.recipe import Factorize, Finetune, Prune, Quantize, Recipe, RecipeError
from compress_core.scenarios import load_scenario

SCENARIO = load_scenario("digits/simple-nn")


def tuned(**changes: object) -> Finetune:
    return Finetune(**{"epochs": 1, "batch_size": 64, "amp": False, **changes})  # type: ignore[arg-type]


def test_each_cycle_takes_the_same_fraction_of_what_is_left() -> None:
    steps = (
        Prune(sparsity=0.75, granularity="channel"),
        Factorize(rank=0.5),
        Prune(sparsity=0.75),
        Quantize(weight_bits=4),
    )
    recipe = Recipe(steps=steps, finetune=tuned(cycles=2))
    first, second = (recipe_part(recipe, cycle).steps for cycle in (1, 2))
    # 25 % are left after two cycles, so half after one; of channels half goes each time.
    assert [getattr(step, "sparsity", None) for step in first] == [0.5, None, 0.5, None]
    assert [getattr(step, "sparsity", None) for step in second] == [0.5, 0.75, None]
    assert not any(isinstance(step, Factorize) for step in second)


def test_cycles_end_at_the_share_asked_for_and_count_through() -> None:
    steps = (Prune(sparsity=0.9), Quantize(weight_bits=4, activation_bits=8))
    recipe = Recipe(steps=steps, finetune=tuned(cycles=3))
    events = list(run_recipe(SCENARIO.network, recipe, SCENARIO.data))
    started = [event for event in events if isinstance(event, Started)]
    assert [event.steps for event in started] == [3 * 17]
    assert [event.step for event in events if isinstance(event, StepEnd)] == [*range(1, 52)]
    epochs = [event.epoch for event in events if isinstance(event, EpochEnd)]
    assert epochs == [0, 1, 1, 2, 2, 3]
    end = events[-1]
    assert isinstance(end, Finished)
    assert int(end.result.masks["fc1"].sum()) == 640
    assert end.result.recipe == recipe
    assert end.result.original is SCENARIO.network


def test_a_drop_too_far_ends_the_cycles_with_the_one_before() -> None:
    steps = (Prune(sparsity=0.995),)
    recipe = Recipe(steps=steps, finetune=tuned(cycles=4, max_drop=0.02, epochs=3))
    events = list(run_recipe(SCENARIO.network, recipe, SCENARIO.data))
    end = events[-1]
    assert isinstance(end, Finished)
    original = 355 / 360  # right answers of the original on the validation part
    assert end.validation_accuracy >= original - 0.02 - 1e-9
    # Not the last cycle's share: 1 - 0.005 ** (k / 4) of 6,400 weights for some k below 4.
    shares = [6400 - round((1 - 0.005 ** (k / 4)) * 6400) for k in (1, 2, 3)]
    assert int(end.result.masks["fc1"].sum()) in shares


def test_a_recipe_without_fine_tuning_is_refused() -> None:
    with pytest.raises(RecipeError, match="no fine-tuning"):
        list(run_recipe(SCENARIO.network, Recipe(), SCENARIO.data))
