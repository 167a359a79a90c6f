"""
Foresee the accuracy of a recipe from a sensitivity map, without running a sample.

The harm of treating one layer alone is how far the answers diverge from the original's. It has no
first-order term, so for small disturbances that know nothing of each other it adds up over layers
(as in HAWQ-V2, Dong et al., 2020). What the sum means in accuracy is learned from measured recipes
by isotonic regression; the band is what nine of ten of those with a similar sum stayed within when
they were left out (cross-conformal prediction; Vovk, 2015).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, exp, log
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from compress_core.measured import Estimate
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.sensitivity_map import Cell, SensitivityMap, Setting
from compress_core.treatment import Treatment

Array = np.ndarray[Any, np.dtype[np.float64]]

COVERAGE = 0.9
"""Share of recipes that end within the band."""
NEIGHBOURS = 20
"""Measured recipes of similar harm that a band is taken from."""
FOLDS = 10
LEAST, MOST = 1e-9, 1e4
"""Harm of nothing and of everything, nats: logarithms need ends."""
LOOKED_BACK = 12
"""Measurements that a record goes back."""


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """Harm over disturbance for one layer and one kind of setting: measured points joined."""

    disturbances: Array
    """Logarithms, rising."""
    harms: Array
    """Logarithms, never falling."""

    def __call__(self, disturbance: float) -> float:
        """Return the harm, nats: straight between logarithms, and straight on beyond the ends."""
        if disturbance <= 0:
            return 0.0
        x, xs, ys = log(disturbance), self.disturbances, self.harms
        left = min(max(int(np.searchsorted(xs, x)) - 1, 0), len(xs) - 2)
        slope = (ys[left + 1] - ys[left]) / (xs[left + 1] - xs[left])
        # Weaker than anything measured, harm falls at least as fast as the energy of the error.
        slope = max(slope, 1.0) if x < xs[0] else slope
        return exp(min(ys[left] + slope * (x - xs[left]), log(MOST)))


@dataclass(frozen=True, eq=False)
class Estimator:
    """Estimates the accuracy of recipes for the network of one map. See `estimator`."""

    measured: SensitivityMap
    curves: dict[tuple[str | None, Setting], Curve]

    def harm(self, treated: Iterable[Treatment]) -> float:
        """Return the summed harm of layers so treated, nats."""
        return sum(self.harm_of(treatment) for treatment in treated)

    def harm_of(self, treatment: Treatment) -> float:
        """Return the harm of treating one layer so and no other, nats."""
        found = (
            (curve, strength)
            for setting, strength in _strengths(treatment).items()
            if (curve := self.curves.get((treatment.layer, setting)))
        )
        return sum(curve(strength) for curve, strength in found)

    def lost_alone(self, treatment: Treatment) -> float:
        """Return the accuracy lost by treating one layer so and no other: the map, interpolated."""
        return sum(
            self._lost(treatment.layer, setting, strength)
            for setting, strength in _strengths(treatment).items()
            if strength > 0
        )

    def estimate(self, treated: Iterable[Treatment]) -> Estimate:
        """Return the accuracy that a recipe will have on the samples of the map, with its band."""
        return self.accuracy(self.harm(treated))

    def accuracy(self, harm: float) -> Estimate:
        """Return what so much harm means for the accuracy."""
        x = _log(harm)
        value = float(self._rule(np.array([x]))[0])
        known, residuals = self._residuals
        near = np.argsort(np.abs(known - x), kind="stable")[:NEIGHBOURS]
        # The finite-sample rank: of n left-out residuals and the one to come, any may be largest.
        rank = min(len(near), ceil(COVERAGE * (len(near) + 1)))
        half = float(np.sort(residuals[near])[rank - 1])
        return Estimate(value=value, low=max(0.0, value - half), high=min(1.0, value + half))

    def _lost(self, layer: str | None, setting: Setting, strength: float) -> float:
        found = _cells(self.measured, layer, setting)
        if not found:
            return 0.0
        strengths = [_strength(cell) for cell in found]
        losses = [self.measured.original.accuracy - cell.harm.accuracy for cell in found]
        weaker = min(1.0, strength / strengths[0])
        return weaker * float(np.interp(log(strength), np.log(strengths), losses))

    @cached_property
    def _points(self) -> tuple[Array, Array]:
        """Logarithms of harm and measured accuracies of the combinations."""
        combinations = self.measured.combinations
        harms = [_log(self.harm(combination.treatments)) for combination in combinations]
        return np.array(harms), np.array([c.harm.accuracy for c in combinations])

    @cached_property
    def _rule(self) -> Callable[[Array], Array]:
        return _fit(*self._points, self.measured.original.accuracy)

    @cached_property
    def _residuals(self) -> tuple[Array, Array]:
        """Logarithms of harm and distances from the estimate of those who were left out."""
        harms, accuracies = self._points
        residuals = np.empty_like(accuracies)
        fold = np.arange(len(harms)) % FOLDS
        for left_out in (fold == number for number in range(FOLDS)):
            rule = _fit(harms[~left_out], accuracies[~left_out], self.measured.original.accuracy)
            residuals[left_out] = np.abs(rule(harms[left_out]) - accuracies[left_out])
        return harms, residuals


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
    keys = {(cell.layer, cell.setting) for cell in measured.cells}
    return Estimator(measured, {key: _curve(measured, *key) for key in keys})


def covers(recipe: Recipe) -> bool:
    """Tell whether estimates hold for a recipe: those of `draw_recipes`' kind, no fine-tuning."""
    return recipe.finetune is None and all(map(_is_covered, recipe.steps))


def within(pairs: Sequence[tuple[Estimate, float]]) -> float:
    """Return the largest distance of estimates from what was then measured, the latest of them."""
    return max(abs(estimate.value - then) for estimate, then in pairs[-LOOKED_BACK:])


def _is_covered(step: Step) -> bool:
    if isinstance(step, Prune):
        return step.granularity == "weight" and step.criterion in ("l1", "l2")
    usual = isinstance(step, Quantize) and Quantize(
        weight_bits=step.weight_bits, activation_bits=step.activation_bits, layers=step.layers
    )
    return step == usual


def _strengths(treatment: Treatment) -> dict[Setting, float]:
    """Return how strong each setting of a treatment is, so that harm grows about as a power."""
    bits = treatment.activation_bits
    return {
        "sparsity": -log(max(1 - treatment.sparsity, LEAST)),
        "weight_bits": treatment.rounding,
        "activation_bits": 0.0 if bits is None else 4.0**-bits,
    }


def _strength(cell: Cell) -> float:
    treatment = Treatment(
        layer=cell.layer,
        sparsity=cell.amount if cell.setting == "sparsity" else 0.0,
        rounding=cell.rounding,
        activation_bits=int(cell.amount) if cell.setting == "activation_bits" else None,
    )
    return _strengths(treatment)[cell.setting]


def _curve(measured: SensitivityMap, layer: str | None, setting: Setting) -> Curve:
    cells = _cells(measured, layer, setting)
    strengths = np.log([_strength(cell) for cell in cells])
    return Curve(strengths, np.maximum.accumulate([_log(c.harm.divergence) for c in cells]))


def _cells(measured: SensitivityMap, layer: str | None, setting: Setting) -> list[Cell]:
    """Return the cells of one layer and one kind of setting, the mildest first."""
    cells = (c for c in measured.cells if (c.layer, c.setting) == (layer, setting))
    return sorted(cells, key=_strength)


def _log(harm: float) -> float:
    return log(min(max(harm, LEAST), MOST))


def _fit(harms: Array, accuracies: Array, original: float) -> Callable[[Array], Array]:
    """Return the rule from logarithms of harm to accuracy: never rising, the original's at 0."""
    rule = IsotonicRegression(increasing=False, out_of_bounds="clip")
    rule.fit(np.append(harms, log(LEAST)), np.append(accuracies, original))
    predict: Callable[[Array], Array] = rule.predict
    return predict
