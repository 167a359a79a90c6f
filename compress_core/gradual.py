"""Gradual pruning: the share grows while training goes on, fast at first and ever more slowly."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from compress_core.criteria import CRITERIA
from compress_core.data import Data
from compress_core.duplicate import duplicate
from compress_core.network import matching
from compress_core.prune import prune_weights
from compress_core.recipe import Prune, Recipe
from compress_core.trainable import Trainable

RAMP = 0.6
"""Part of the training in which the share grows; the rest heals."""
UPDATES = 20
"""How many times it grows."""


def gradual_steps(recipe: Recipe) -> list[Prune]:
    """Return the steps of a recipe that prune gradually."""
    return [s for s in recipe.steps if isinstance(s, Prune) and s.schedule == "gradual"]


def share_at(progress: float, sparsity: float) -> float:
    """Return s (1 - (1 - t)^3), the sparsity at *progress* t of the ramp (Zhu & Gupta, 2018)."""
    return sparsity * (1 - (1 - min(1.0, progress)) ** 3)


def raise_masks(trainable: Trainable, recipe: Recipe, data: Data) -> Callable[[int, int], None]:
    """Return what to call before each step, with the step and their number; it sets the masks."""
    steps = gradual_steps(recipe)

    def before_step(step: int, total: int) -> None:
        ramp = max(1, round(RAMP * total))
        if step <= ramp and (step % max(1, ramp // UPDATES) == 0 or step == ramp):
            for prune in steps:
                assert prune.sparsity is not None  # the recipe allows no threshold here
                now = replace(prune, sparsity=share_at(step / ramp, prune.sparsity))
                trainable.masks |= _masks(trainable, now, recipe.seed, data)

    return before_step


def _masks(trainable: Trainable, step: Prune, seed: int, data: Data) -> dict[str, Tensor]:
    names = matching(step.layers, trainable.layer_names)
    # In evaluation mode: looking at data must not move batch-norm statistics. Data are on the CPU.
    graph = duplicate(trainable.graph).cpu().eval()
    scores = CRITERIA[step.criterion](graph, names, data.train, seed)
    return prune_weights({name: score.detach() for name, score in scores.items()}, step)
