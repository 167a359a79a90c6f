"""
Foresee the accuracy of a recipe from a sensitivity map, without running a sample.

What it does to each layer is harm (`harms`), and what harm means for the accuracy is learned from
layers treated alone and from whole recipes (`harm_rule`); doing more is kept from promising more
(`milder`). The band is what nine of ten recipes with a similar estimate stayed within when they
were left out (cross-conformal prediction; Vovk, 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log

import numpy as np

from compress_core.harm_rule import Evidence, Rule, accuracy, learn
from compress_core.harms import Array, Harms, cells_of, harms_of, logarithm, strength, strengths
from compress_core.measured import Estimate
from compress_core.milder import harsher, milder
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.sensitivity_map import ALL, SensitivityMap, Setting
from compress_core.treatment import Treatment

COVERAGE = 0.9
"""Share of recipes that end within the band."""
NEIGHBOURS = 20
"""Measured recipes of similar accuracy that a band is taken from."""
FOLDS = 10
LOOKED_BACK = 12
"""Measurements that a record goes back."""


@dataclass(frozen=True, eq=False)
class Estimator:
    """Estimates the accuracy of recipes for the network of one map. See `estimator`."""

    measured: SensitivityMap
    harms: Harms

    def harm(self, treated: Sequence[Treatment]) -> float:
        """Return the harm of treating all layers so, nats."""
        each = self.harms.each(self.harms.strong(treated)[None])
        return float(self.harms.totals(each)[0])

    def estimate(self, treated: Sequence[Treatment]) -> Estimate:
        """Return the accuracy that a recipe will have on the samples of the map, with its band."""
        x = self._expected(self._rule, self.harms.strong(treated)[None])
        value = float(accuracy(x, self.measured.n)[0])
        near = np.argsort(np.abs(self.left_out - x), kind="stable")[:NEIGHBOURS]
        # The finite-sample rank: of n left-out residuals and the one to come, any may be largest.
        rank = min(len(near), ceil(COVERAGE * (len(near) + 1)))
        half = float(np.sort(np.abs(self.residuals[near]))[rank - 1])
        return Estimate(value=value, low=max(0.0, value - half), high=min(1.0, value + half))

    def lost_alone(self, treatment: Treatment) -> float:
        """Return the accuracy lost by treating one layer so and no other: the map, interpolated."""
        return sum(
            self._lost(treatment.layer, setting, strong)
            for setting, strong in strengths(treatment).items()
            if strong > 0
        )

    @cached_property
    def left_out(self) -> Array:
        """The log-odds that each combination was estimated to have while it was left out."""
        expected = np.empty(len(self._strong))
        fold = np.arange(len(expected)) % FOLDS
        for out in (fold == number for number in range(FOLDS)):
            rule = learn(self._recipes[~out], self._alone, self.measured.n)
            expected[out] = self._expected(rule, self._strong[out])
        return expected

    @cached_property
    def residuals(self) -> Array:
        """How far the accuracies of `left_out` lie above what was measured."""
        return accuracy(self.left_out, self.measured.n) - self._recipes.accuracies

    def _lost(self, layer: str | None, setting: Setting, strong: float) -> float:
        found = cells_of(self.measured, layer, setting)
        if not found:
            return 0.0
        known = [strength(cell) for cell in found]
        losses = [self.measured.original.accuracy - cell.harm.accuracy for cell in found]
        weaker = min(1.0, strong / known[0])
        return weaker * float(np.interp(log(strong), np.log(known), losses))

    def _expected(self, rule: Rule, strong: Array) -> Array:
        """
        Return log-odds by *rule*, steadied between milder and harsher versions; one a recipe.

        None above what is expected of doing nothing.
        """
        lowest = self._odds(rule, milder(self.harms, strong)).min(0)
        highest = self._odds(rule, harsher(self.harms, strong)).max(0)
        untouched = self._odds(rule, np.zeros((1, 1, strong.shape[1])))[0]
        steadied: Array = np.minimum((lowest + highest) / 2, untouched)
        return steadied

    def _odds(self, rule: Rule, versions: Array) -> Array:
        """Return log-odds by *rule* of versions of recipes: versions x recipes."""
        each = self.harms.each(versions.reshape(-1, versions.shape[-1]))
        return rule(each, logarithm(self.harms.totals(each))).reshape(versions.shape[:2])

    @cached_property
    def _strong(self) -> Array:
        """How strongly the combinations treat every layer; one a row."""
        return np.array([self.harms.strong(c.treatments) for c in self.measured.combinations])

    @cached_property
    def _recipes(self) -> Evidence:
        """The combinations, whose harm is foreseen as that of any recipe."""
        each = self.harms.each(self._strong)
        accuracies = [c.harm.accuracy for c in self.measured.combinations]
        return Evidence(each, logarithm(self.harms.totals(each)), np.array(accuracies))

    @cached_property
    def _alone(self) -> Evidence:
        """Layers treated alone, all of them alike, and nothing at all."""
        # All layers alike come last: nothing tells which of them does the harm.
        cells = sorted(self.measured.cells, key=lambda cell: cell.layer == ALL)
        known = [self.measured.original, *(cell.harm for cell in cells)]
        none = np.zeros(len(self.harms.curves))
        each = [none, *(self.harms.alone(cell) for cell in cells if cell.layer != ALL)]
        totals = logarithm(np.array([harm.divergence for harm in known]))
        return Evidence(np.array(each), totals, np.array([harm.accuracy for harm in known]))

    @cached_property
    def _rule(self) -> Rule:
        return learn(self._recipes, self._alone, self.measured.n)


def estimator(measured: SensitivityMap) -> Estimator:
    """
    Learn from a map how harm adds up and what it means.

    Raises ValueError for a map with too few combinations to calibrate a band.
    """
    if len(measured.combinations) < FOLDS:
        raise ValueError(
            f"This map has {len(measured.combinations)} measured recipes; an estimate needs "
            f"{FOLDS} at least. Measure it on."
        )
    return Estimator(measured, harms_of(measured))


def covers(recipe: Recipe) -> bool:
    """Tell whether estimates hold for a recipe: those of `draw_recipes`' kind, no fine-tuning."""
    return recipe.finetune is None and all(map(_is_covered, recipe.steps))


def within(distances: Sequence[float]) -> float:
    """Return how far the latest estimates were at most from what was then measured."""
    return max(map(abs, distances[-LOOKED_BACK:]))


def _is_covered(step: Step) -> bool:
    if isinstance(step, Prune):
        return step.granularity == "weight" and step.criterion in ("l1", "l2")
    usual = isinstance(step, Quantize) and Quantize(
        weight_bits=step.weight_bits, activation_bits=step.activation_bits, layers=step.layers
    )
    return step == usual
