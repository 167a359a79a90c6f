"""Prune a part, fine-tune, prune more: the whole of a recipe, from network to result."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data
from compress_core.evaluate import evaluate
from compress_core.events import EpochEnd, Event, Finished, Improved, Started, StepEnd
from compress_core.finetune import finetune
from compress_core.network import Network
from compress_core.recipe import Factorize, Finetune, Prune, Recipe, RecipeError, Step

Happening = Event | Improved[Compressed] | Finished[Compressed]


def run_recipe(
    network: Network, recipe: Recipe, data: Data, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[Happening]:
    """
    Compress *network* and fine-tune it, in as many cycles as the recipe says (Han et al., 2015).

    Every cycle prunes a larger part and rounds what is left. With *max_drop* the cycles end when
    one falls too far below the original on the validation part, and the cycle before it is the
    result. Steps and epochs are counted through. Raises RecipeError without a fine-tuning.
    """
    plan = recipe.finetune
    if plan is None:
        raise RecipeError("This recipe has no fine-tuning; add one.")
    floor = _floor(network, plan, data)
    current, good = network, None
    for cycle in range(1, plan.cycles + 1):
        start = compress(current, recipe_part(recipe, cycle), data)
        start = replace(start, original=network, recipe=recipe)
        ended = yield from _renumbered(finetune(start, plan, data, stop=stop), plan, cycle)
        held = ended.validation_accuracy >= floor
        good = ended if held or good is None else good
        if ended.cancelled or not held:
            break
        current = ended.result.network
    assert good is not None
    yield good


def recipe_part(recipe: Recipe, cycle: int) -> Recipe:
    """
    Return the recipe of one cycle: each takes the same fraction of what the one before left.

    Shares are of the original, so that the last cycle asks for the recipe's own; shares of channels
    are of what is still there.
    """
    cycles = recipe.finetune.cycles if recipe.finetune else 1
    # What is low rank after the first cycle stays so.
    steps = [s for s in recipe.steps if cycle == 1 or not isinstance(s, Factorize)]
    return replace(recipe, steps=tuple(_part(step, cycle, cycles) for step in steps))


def _part(step: Step, cycle: int, cycles: int) -> Step:
    if not isinstance(step, Prune) or step.sparsity is None:
        return step
    left, left_before = ((1 - step.sparsity) ** (k / cycles) for k in (cycle, cycle - 1))
    if step.granularity == "channel":
        return replace(step, sparsity=1 - left / left_before)
    return step if cycle == cycles else replace(step, sparsity=1 - left)


def _floor(network: Network, plan: Finetune, data: Data) -> float:
    """Return the validation accuracy below which the cycles end."""
    if plan.max_drop is None:
        return -1.0
    return evaluate(network, data.validation).accuracy.value - plan.max_drop


def _renumbered(
    events: Iterator[Happening], plan: Finetune, cycle: int
) -> Generator[Event | Improved[Compressed], None, Finished[Compressed]]:
    """Yield the events of one cycle as parts of the whole, and return its end."""
    epochs_before, steps_before = (cycle - 1) * plan.epochs, 0
    for event in events:
        match event:
            case Started():
                steps_before = (cycle - 1) * event.steps
                if cycle == 1:
                    total = plan.cycles * event.steps
                    yield replace(event, steps=total, epochs=plan.cycles * plan.epochs)
            case StepEnd():
                yield replace(event, step=steps_before + event.step)
            case EpochEnd():
                yield replace(
                    event, epoch=epochs_before + event.epoch, step=steps_before + event.step
                )
            case Improved():
                yield replace(event, epoch=epochs_before + event.epoch)
            case Finished():
                return replace(event, best_epoch=epochs_before + event.best_epoch)
    raise AssertionError("a fine-tuning always finishes")
