"""
Foresee the accuracy of a recipe from a sensitivity map, without running a sample.

The harm of treating one layer alone is how far the answers diverge from the original's. It has no
first-order term, so for small disturbances that know nothing of each other it adds up over layers
(as in HAWQ-V2, Dong et al., 2020). Rounded activations do know of each other, each layer reads what
the one before rounded: what all of them alike do says how their sum is to be read. What the harm
means in accuracy is learned by isotonic regression from everything that was measured, layers alone
and whole recipes; the band is what nine of ten recipes with a similar harm stayed within when they
were left out (cross-conformal prediction; Vovk, 2015).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, exp, log
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from compress_core.measured import Estimate
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.sensitivity_map import ALL, SETTINGS, Cell, SensitivityMap, Setting
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


Curves = dict[tuple[str | None, Setting], Curve]


@dataclass(frozen=True, eq=False)
class Estimator:
    """Estimates the accuracy of recipes for the network of one map. See `estimator`."""

    measured: SensitivityMap
    curves: Curves
    """(layer, kind of setting) -> harm over its strength."""
    activations: Curve
    """Harm of rounding all activations over the sum of the harms of rounding each layer's alone."""

    def harm(self, treated: Sequence[Treatment]) -> float:
        """Return the harm of treating all layers so, nats."""
        weights = self._summed(treated, "sparsity") + self._summed(treated, "weight_bits")
        return weights + self.activations(self._summed(treated, "activation_bits"))

    def _summed(self, treated: Sequence[Treatment], kind: Setting) -> float:
        """Return the harm that one kind of setting does to each layer alone, added up."""
        known = (treatment for treatment in treated if (treatment.layer, kind) in self.curves)
        return sum(self.curves[t.layer, kind](_strengths(t)[kind]) for t in known)

    def lost_alone(self, treatment: Treatment) -> float:
        """Return the accuracy lost by treating one layer so and no other: the map, interpolated."""
        return sum(
            self._lost(treatment.layer, setting, strength)
            for setting, strength in _strengths(treatment).items()
            if strength > 0
        )

    def estimate(self, treated: Sequence[Treatment]) -> Estimate:
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
    def _alone(self) -> tuple[Array, Array]:
        """The same of layers treated alone, and of nothing at all."""
        known = [self.measured.original, *(cell.harm for cell in self.measured.cells)]
        return np.array([_log(h.divergence) for h in known]), np.array([h.accuracy for h in known])

    @cached_property
    def _rule(self) -> Callable[[Array], Array]:
        return _fit(*self._points, *self._alone)

    @cached_property
    def _residuals(self) -> tuple[Array, Array]:
        """Logarithms of harm and distances from the estimate of those who were left out."""
        harms, accuracies = self._points
        residuals = np.empty_like(accuracies)
        fold = np.arange(len(harms)) % FOLDS
        for left_out in (fold == number for number in range(FOLDS)):
            rule = _fit(harms[~left_out], accuracies[~left_out], *self._alone)
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
    keys = {(cell.layer, cell.setting) for cell in measured.cells if cell.layer != ALL}
    curves = {key: _curve(measured, *key) for key in keys}
    return Estimator(measured, curves, _all_activations(measured, curves))


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


def _curve(measured: SensitivityMap, layer: str | None, kind: Setting) -> Curve:
    cells = _cells(measured, layer, kind)
    return _joined([_strength(c) for c in cells], [c.harm.divergence for c in cells])


def _all_activations(measured: SensitivityMap, curves: Curves) -> Curve:
    alike = _cells(measured, ALL, "activation_bits")
    alone = [curve for (_, kind), curve in curves.items() if kind == "activation_bits"]
    sums = [sum(curve(_strength(cell)) for curve in alone) for cell in alike]
    return _joined(sums, [cell.harm.divergence for cell in alike])


def _joined(disturbances: Sequence[float], harms: Sequence[float]) -> Curve:
    """Return a curve through points, the mildest first; it rises, whatever noise says."""
    xs, ys = (np.maximum.accumulate([_log(v) for v in values]) for values in (disturbances, harms))
    rises = np.diff(xs, prepend=-np.inf) > 0
    return Curve(xs[rises], ys[rises])


def _cells(measured: SensitivityMap, layer: str | None, kind: Setting) -> list[Cell]:
    """Return the cells of one layer and one kind of setting, the mildest first."""
    amounts = SETTINGS[kind]
    return [measured.by_key[layer, kind, a] for a in amounts if (layer, kind, a) in measured.by_key]


def _log(harm: float) -> float:
    return log(min(max(harm, LEAST), MOST))


def _fit(*points: Array) -> Callable[[Array], Array]:
    """Return the rule from logarithms of harm to accuracy, never rising; harm, accuracy, ..."""
    rule = IsotonicRegression(increasing=False, out_of_bounds="clip")
    rule.fit(np.concatenate(points[::2]), np.concatenate(points[1::2]))
    predict: Callable[[Array], Array] = rule.predict
    return predict
