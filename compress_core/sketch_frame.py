"""
What a weight is divided by before it is rounded: the unit of its row, for each kind of grid.

In these units the values of a grid are the same in all rows, whatever their ends: so are the
borders between them, for each number of bits.
"""

from dataclasses import dataclass
from math import inf
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from compress_core.clipping import PERCENTILE

Array = NDArray[Any]
Kind = Literal["symmetric", "affine", "power_of_two", "codebook"]
Granularity = Literal["per_tensor", "per_channel", "per_group"]

GROUP = 32
"""Weights that share a scale, in the sketch of a large layer."""
FINEST = 511
"""Most even steps from zero to one whose borders cells keep to: 10 bits, affine 9."""
FEWEST = 61
"""Halvings from the largest power of two to the smallest that is told from zero."""
FINE = 1 << 16
"""Even steps in which borders are looked up."""


def _even(steps: int) -> Array:
    return np.arange(1, steps + 1) / steps


def _halved(halvings: int) -> Array:
    return 2.0 ** -np.arange(min(halvings, FEWEST) - 1, -1, -1)


def _between_values() -> Array:
    """Return all borders between neighbouring values of grids that are known beforehand."""
    odd = [2**bits - 1 for bits in range(1, FINEST.bit_length() + 1)]
    even = [(np.arange(steps) + 0.5) / steps for steps in odd]
    # Of powers of two, half of the least of each grid as well.
    least = [_halved(steps)[:1] / 2 for steps in odd]
    return np.concatenate([*even, *least, 0.75 * _halved(FEWEST)])


class Borders:
    """Where cells end: in units of rows, on both sides of zero alike."""

    def __init__(self, values: Array) -> None:
        self.values: Array = np.unique(values.astype(np.float32))
        steps = np.arange(FINE + 1, dtype=np.float32) / FINE
        self._below = np.searchsorted(self.values, steps, side="right").astype(np.int32)
        # Whether a border lies between this of FINE even steps and the next.
        self._cut = np.append(self._below[1:] != self._below[:-1], True)

    @property
    def edges(self) -> Array:
        """Zero, the borders and one (float64)."""
        return np.concatenate([[0.0], self.values.astype(np.float64), [1.0]])

    def places(self, ratios: Array) -> Array:
        """Return 0 for zero, else the sign times one more than the number of borders below."""
        sizes = np.abs(ratios)
        fine = np.minimum(sizes * FINE, FINE).astype(np.int32)
        found = self._below[fine]
        near = self._cut[fine]
        found[near] = np.searchsorted(self.values, sizes[near], side="right")
        signed: Array = (found + 1) * np.sign(ratios).astype(np.int32)
        return signed

    def nearest(self, positive: Array) -> Array:
        """Return which of the *positive* values is nearest to each place, by place."""
        between = (np.append(0, positive[:-1]) + positive) / 2
        found = np.searchsorted(between, (self.edges[1:] + self.edges[:-1]) / 2)
        # Places below zero are counted from the end.
        return np.concatenate([[0], found, -found[::-1]])


KNOWN = Borders(_between_values())
FOUND = Borders(np.append(np.sinh(np.linspace(0, np.arcsinh(32), 2000)[1:-1]) / 32, 1 - 1e-6))
"""For values that are found by k-means: closer where weights are dense, in rows or in all. The
largest weights of rows, which are alike, have a place of their own."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Grids whose values are the same ones in units of rows."""

    kind: Kind = "symmetric"
    granularity: Granularity = "per_channel"
    group_size: int = GROUP
    percentile: bool = False
    """Whether a unit covers the usual weights alone, not the largest."""

    @property
    def borders(self) -> Borders:
        """Where cells end."""
        return FOUND if self.kind == "codebook" else KNOWN

    def steps(self, bits: int) -> int:
        """Return how many values there are on one side of zero."""
        return int(2 ** (bits if self.kind == "affine" else bits - 1) - 1)

    def positive(self, bits: int) -> Array:
        """Return these values, ascending."""
        steps = self.steps(bits)
        return _halved(steps) if self.kind == "power_of_two" else _even(steps)

    def finer(self, bits: int) -> bool:
        """Tell whether codes are closer than the borders of cells."""
        return self.kind != "power_of_two" and self.steps(bits) > FINEST

    def codes(self, bits: int) -> Array:
        """Return the code of each place, counted from zero, by place; where finer, the coarser."""
        return self.borders.nearest(_even(FINEST) if self.finer(bits) else self.positive(bits))


@dataclass(frozen=True, eq=False, kw_only=True)
class Scaled:
    """Rows that have a unit each: outputs, or groups of their weights."""

    values: Array
    multipliers: Array
    """From weights to ratios (float32)."""
    units: Array
    """As weights are rounded, batch norms folded."""
    alike: Array
    """The same before batch norms are folded: what classes of rows are made by."""
    spare: Array
    """How many zeros at the end of each row are no weights."""
    ends: Array | None = None
    """Least and largest ratio (2 x rows) that is not clipped, where affine grids clip some."""
    weaker: Array | None = None
    """Largest |w| on the side of zero that has the smaller ones."""
    one_sided: Array
    """The unit once this is gone."""
    until: float = inf
    """Units are these up to this threshold."""


def scaled(weights: Array, factors: Array, frame: Frame) -> Scaled:
    """Return the rows (outputs x inputs, float32) of a layer, and their units."""
    rows, spare = weights, np.zeros(len(weights), np.int16)
    shared = frame.granularity == "per_tensor"
    if frame.granularity == "per_group":
        missing = -rows.shape[1] % frame.group_size
        rows = np.pad(rows, ((0, 0), (0, missing))) if missing else rows
        many = rows.shape[1] // frame.group_size
        rows, factors = rows.reshape(-1, frame.group_size), np.repeat(factors, many)
        spare = np.zeros(len(rows), np.int16)
        spare[many - 1 :: many] = missing
    ends = np.stack([np.minimum(rows.min(1), 0), np.maximum(rows.max(1), 0)])
    folded = np.sort(ends * factors, 0)
    if frame.percentile:
        reach = _reach(rows, factors, shared)
        folded = np.clip(folded, -reach, reach).astype(np.float32)
    until = inf
    if shared:
        folded = np.repeat([[folded[0].min()], [folded[1].max()]], len(rows), 1)
        until = _until(rows, factors, folded[:, 0], frame.kind == "affine")
    one_sided = _positive(np.abs(folded).max(0))
    affine, unit = frame.kind == "affine", one_sided
    if affine:
        unit = _positive(folded[1] - folded[0])
    elif frame.kind == "power_of_two":
        unit = np.exp2(np.ceil(np.log2(one_sided)))
    some = (factors != 0) & ends.any(0)
    return Scaled(
        values=rows,
        multipliers=(factors / unit).astype(np.float32),
        units=unit,
        alike=np.where(some, unit / np.where(some, np.abs(factors), 1), 0),
        spare=spare,
        # A hair to the left: where both ends are cut alike, the lower has the half step.
        ends=folded / unit - 1e-6 if affine and frame.percentile else None,
        weaker=np.abs(ends).min(0) if affine and not shared else None,
        one_sided=one_sided,
        until=until,
    )


def _reach(rows: Array, factors: Array, shared: bool) -> Array:
    """Return the |w|, batch norms folded, that `clipping.percentile` covers: of all, or by row."""
    count = rows.size if shared else rows.shape[1]
    last = min(int((np.arange(1, count + 1) / count < PERCENTILE).sum()), count - 1)
    if shared:
        sizes = np.abs(rows * factors[:, None]).ravel()
        return np.array(np.partition(sizes, last)[last])
    chunks = np.array_split(rows, -(-rows.size // FINE)) if last < count - 1 else [rows]
    found = [np.partition(np.abs(chunk), last, 1)[:, last] for chunk in chunks]
    return np.concatenate(found) * np.abs(factors)


def _until(rows: Array, factors: Array, ends: Array, both: bool) -> float:
    """Return the least |w| of those that one range for all rows depends on."""
    low, high = ends if both else np.abs(ends).max() * np.array([-1, 1])
    least = inf
    for row, factor in zip(rows, factors, strict=True):
        values = row * factor
        decides = (values <= np.float32(low)) | (values >= np.float32(high))
        if decides.any():
            least = min(least, float(np.abs(row[decides]).min()))
    return least


def _positive(unit: Array) -> Array:
    """Replace the unit of rows of zeros."""
    return np.where(unit > np.finfo(np.float32).tiny, unit, np.float32(1))
