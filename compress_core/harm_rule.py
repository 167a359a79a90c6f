"""
What harm means for the accuracy, learned from everything that a map measured.

The sum of all harms alone says most: the more of it, the fewer answers are right (isotonic
regression, its steps joined at their middles). It cannot know that the same harm means something
else where other layers do it, or pruning instead of rounding: how far it missed recipes that harm
the same layers alike is carried over from them (`kriging`), as the logarithm of the odds, which
never leaves 0 to 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from compress_core.harms import Array
from compress_core.kriging import Kriging, krige

FELT = 2e-2
"""Harm of one layer below which less and more are as good as none, nats."""
REACH, DOUBT = 8.0, 0.01
"""How far, in logarithms of harm, recipes are alike; and noise: see `krige`."""


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """Recipes of known accuracy, one a row."""

    each: Array
    """Harm of every layer and kind of setting alone, nats: recipes x curves."""
    totals: Array
    """Logarithms of their harm together."""
    accuracies: Array

    def __getitem__(self, rows: Array) -> "Evidence":
        return Evidence(self.each[rows], self.totals[rows], self.accuracies[rows])


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """What harm means for the accuracy. See `learn`."""

    falling: Callable[[Array], Array]
    """Logarithm of harm -> accuracy."""
    missed: Kriging
    """Which layers are harmed -> what the log-odds of the answers being right lie above that."""
    n: int
    """Samples that accuracies were counted on."""

    def __call__(self, each: Array, totals: Array) -> Array:
        """Return the log-odds of recipes; see `Evidence`."""
        return odds(self.falling(totals), self.n) + self.missed(_place(each))


def learn(recipes: Evidence, alone: Evidence, n: int) -> Rule:
    """Return the rule that recipes, and layers treated alone, taught on *n* samples."""
    totals = np.concatenate([recipes.totals, alone.totals])
    accuracies = np.concatenate([recipes.accuracies, alone.accuracies])
    falling = _falling(totals, accuracies)
    each = np.concatenate([recipes.each, alone.each])
    placed = slice(len(each))
    missed = odds(accuracies[placed], n) - odds(falling(totals[placed]), n)
    return Rule(falling, krige(_place(each), missed, REACH, DOUBT), n)


def odds(accuracies: Array, n: int) -> Array:
    """Return log-odds of answers being right; half an answer more each way keeps them finite."""
    right = (accuracies * n + 0.5) / (n + 1)
    found: Array = np.log(right / (1 - right))
    return found


def accuracy(log_odds: Array, n: int) -> Array:
    """Return the accuracies that `odds` came from, none below 0 or above 1."""
    found: Array = np.clip(((n + 1) / (1 + np.exp(-log_odds)) - 0.5) / n, 0.0, 1.0)
    return found


def _falling(totals: Array, accuracies: Array) -> Callable[[Array], Array]:
    """Return harm -> accuracy; between the middles of two steps straight, so that more is less."""
    order = np.argsort(totals, kind="stable")
    steps = IsotonicRegression(increasing=False).fit_transform(totals[order], accuracies[order])
    begins = np.flatnonzero(np.diff(steps, prepend=np.inf))
    middles = np.add.reduceat(totals[order], begins) / np.diff([*begins, len(steps)])
    heights = steps[begins]
    return lambda asked: np.interp(asked, middles, heights)


def _place(each: Array) -> Array:
    """Return where recipes lie: near each other where they harm the same layers alike."""
    found: Array = np.log(FELT + each)
    return found
