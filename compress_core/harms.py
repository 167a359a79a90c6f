"""
How much harm treating layers does, read off a sensitivity map: each layer's share, and their sum.

The harm of treating one layer alone is how far the answers diverge from the original's. It has no
first-order term, so for small disturbances that know nothing of each other it adds up over layers
(as in HAWQ-V2, Dong et al., 2020). Rounded activations do know of each other, each layer reads what
the one before rounded: what all of them alike do says how their sum is to be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np

from compress_core.sensitivity_map import ALL, SETTINGS, Cell, SensitivityMap, Setting
from compress_core.treatment import Treatment

Array = np.ndarray[Any, np.dtype[np.float64]]

LEAST, MOST = 1e-9, 1e4
"""Harm of nothing and of everything, nats: logarithms need ends."""
NOTHING = 1e-300


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """Harm over disturbance for one layer and one kind of setting: measured points joined."""

    disturbances: Array
    """Logarithms, rising."""
    harms: Array
    """Logarithms, never falling."""

    def __call__(self, disturbances: Array) -> Array:
        """Return harms, nats: straight between logarithms, and straight on beyond the ends."""
        xs, ys = self.disturbances, self.harms
        x = np.log(np.maximum(disturbances, NOTHING))
        left = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
        slope = (ys[left + 1] - ys[left]) / (xs[left + 1] - xs[left])
        # Weaker than anything measured, harm falls at least as fast as the energy of the error.
        slope = np.where(x < xs[0], np.maximum(slope, 1.0), slope)
        harms = np.exp(np.minimum(ys[left] + slope * (x - xs[left]), log(MOST)))
        return np.where(disturbances > 0, harms, 0.0)

    @property
    def strongest(self) -> float:
        """The strongest disturbance that was measured."""
        return exp(self.disturbances[-1])


@dataclass(frozen=True, eq=False)
class Harms:
    """What a map says of harm. See `harms_of`."""

    curves: dict[tuple[str | None, Setting], Curve]
    """(layer, kind of setting) -> harm over its strength."""
    activations: Curve
    """Harm of rounding all activations over the sum of the harms of rounding each layer's alone."""

    def strong(self, treated: Sequence[Treatment]) -> Array:
        """Return how strongly every layer is treated, setting by setting: one for each curve."""
        found = {(t.layer, kind): s for t in treated for kind, s in strengths(t).items()}
        return np.array([found.get(key, 0.0) for key in self.curves])

    def each(self, strong: Array) -> Array:
        """Return the harm of each alone, nats, of what is so strong: recipes x curves."""
        return np.stack([c(s) for c, s in zip(self.curves.values(), strong.T, strict=True)], 1)

    def alone(self, cell: Cell) -> Array:
        """Return the same of one cell of the map: the harm measured there, and no other."""
        here = (cell.layer, cell.setting)
        return np.array([cell.harm.divergence * (key == here) for key in self.curves])

    def totals(self, each: Array) -> Array:
        """Return the harm that what harms *each* so does together, nats: one for each recipe."""
        rounded = np.array([kind == "activation_bits" for _, kind in self.curves])
        found: Array = each[:, ~rounded].sum(1) + self.activations(each[:, rounded].sum(1))
        return found


def harms_of(measured: SensitivityMap) -> Harms:
    """Return how much harm treating layers does, read off a map."""
    found = dict.fromkeys((c.layer, c.setting) for c in measured.cells if c.layer != ALL)
    curves = {key: _curve(measured, *key) for key in found}
    alike = cells_of(measured, ALL, "activation_bits")
    alone = [curve for (_, kind), curve in curves.items() if kind == "activation_bits"]
    strong = np.array([strength(cell) for cell in alike])
    sums = np.sum([curve(strong) for curve in alone], axis=0)
    return Harms(curves, _joined(sums, [cell.harm.divergence for cell in alike]))


def cells_of(measured: SensitivityMap, layer: str | None, kind: Setting) -> list[Cell]:
    """Return the cells of one layer and one kind of setting, the mildest first."""
    amounts = SETTINGS[kind]
    return [measured.by_key[layer, kind, a] for a in amounts if (layer, kind, a) in measured.by_key]


def strengths(treatment: Treatment) -> dict[Setting, float]:
    """Return how strong each setting of a treatment is, so that harm grows about as a power."""
    bits = treatment.activation_bits
    return {
        "sparsity": -log(max(1 - treatment.sparsity, LEAST)),
        "weight_bits": treatment.rounding,
        "activation_bits": 0.0 if bits is None else 4.0**-bits,
    }


def strength(cell: Cell) -> float:
    """Return how strong the setting of a cell is, as `strengths` does."""
    treatment = Treatment(
        layer=cell.layer,
        sparsity=cell.amount if cell.setting == "sparsity" else 0.0,
        rounding=cell.rounding,
        activation_bits=int(cell.amount) if cell.setting == "activation_bits" else None,
    )
    return strengths(treatment)[cell.setting]


def logarithm(harms: Array) -> Array:
    """Return the logarithms of harms, with an end for nothing and one for everything."""
    found: Array = np.log(np.clip(harms, LEAST, MOST))
    return found


def _curve(measured: SensitivityMap, layer: str | None, kind: Setting) -> Curve:
    cells = cells_of(measured, layer, kind)
    return _joined([strength(c) for c in cells], [c.harm.divergence for c in cells])


def _joined(disturbances: Sequence[float] | Array, harms: Sequence[float]) -> Curve:
    """Return a curve through points, the mildest first; it rises, whatever noise says."""
    xs, ys = (
        np.maximum.accumulate(logarithm(np.array(values))) for values in (disturbances, harms)
    )
    rises = np.diff(xs, prepend=-np.inf) > 0
    return Curve(xs[rises], ys[rises])
