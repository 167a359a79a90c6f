"""Win the accuracy back: train what is left, with masks and grids kept."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil

from compress_core.compressed import Compressed
from compress_core.data import Data
from compress_core.distill import distillation
from compress_core.events import Event, Finished, Improved
from compress_core.fit import Objective, Plan, State, cross_entropy, fit
from compress_core.gradual import RAMP, gradual_steps, raise_masks
from compress_core.recipe import Finetune, RecipeError
from compress_core.trainable import Trainable, trained


def finetune(
    compressed: Compressed, plan: Finetune, data: Data, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[Event | Improved[Compressed] | Finished[Compressed]]:
    """
    Train *compressed* on and yield what happens; the last event's result is the best state.

    Masks stay, weights and activations stay on their grids (straight-through gradients, or learned
    step sizes); where the recipe prunes gradually, training starts dense and masks grow. The
    argument itself is not changed. *stop* is asked between steps; the best state is kept. Raises
    RecipeError where the plan asks for labels that nobody gave.
    """
    trainable = Trainable(compressed, learn_scales=plan.scales == "learned")
    short = replace(data, train=data.train.head(plan.samples or len(data.train)))
    gradual = bool(gradual_steps(compressed.recipe))

    def result(state: State) -> Compressed:
        return trained(compressed, trainable, state) if state else compressed

    for event in fit(
        trainable,
        short,
        Plan(
            epochs=plan.epochs, lr=plan.lr, batch_size=plan.batch_size, amp=plan.amp, seed=plan.seed
        ),
        objective=_objective(compressed, plan, data),
        before_step=raise_masks(trainable, compressed.recipe, short) if gradual else _nothing,
        # While masks grow, a better accuracy is only a smaller compression.
        first_best=ceil(RAMP * plan.epochs) if gradual else 0,
        stop=stop,
    ):
        match event:
            case Improved(epoch=epoch, validation_accuracy=accuracy, result=state):
                yield Improved(epoch=epoch, validation_accuracy=accuracy, result=result(state))
            case Finished():
                yield _finished(event, result(event.result))
            case _:
                yield event


def _objective(compressed: Compressed, plan: Finetune, data: Data) -> Objective:
    if plan.teacher < 1 and data.against == "original":
        raise RecipeError(
            "Nobody labelled these samples, so there are only the original's answers to learn "
            "from; set teacher to 1."
        )
    if plan.teacher == 0:
        return cross_entropy
    return distillation(compressed.original.module, plan.teacher, plan.temperature)


def _nothing(step: int, steps: int) -> None:
    """Leave the masks as they are."""


def _finished(event: Finished[State], result: Compressed) -> Finished[Compressed]:
    return Finished(
        cancelled=event.cancelled,
        best_epoch=event.best_epoch,
        validation_accuracy=event.validation_accuracy,
        seconds=event.seconds,
        seconds_per_step=event.seconds_per_step,
        dtype=event.dtype,
        result=result,
    )
