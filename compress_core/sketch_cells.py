"""
Many weights in few cells, none of which a grid of up to 9 or 10 bits cuts in two.

Rounding to a grid for each row depends on weight / unit of the row, pruning on the weight itself.
So cells are counted by that ratio, apart for classes of rows whose units are alike. Their
borders are those where any of the grids rounds to the next value, so counts of codes are exact;
only where a threshold passes through a cell is it shared out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.sketch_frame import Frame, Scaled, scaled
from compress_core.sketch_order import CHUNK

Array = NDArray[Any]

CLASSES = 28


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """
    Weights by ratio and class of row, in order of mean |w|; each value is a sum over a cell.

    26 bytes a cell: sums are taken in float64 and kept in float32.
    """

    until: float
    """Units are these up to this threshold."""
    counts: Array
    """Negative where weights leave a cell for another."""
    sizes: Array
    """Mean |w|; where weights leave earlier, what the threshold is then."""
    spreads: Array
    """How far |w| lies to both sides of it, as if it did evenly."""
    place: Array
    """0 for a ratio of zero, else +-(1 + the number of borders below)."""
    tops: Array
    """Sum of the squared units of the rows."""
    products: Array
    """Sum of the same times the ratios."""
    squares: Array
    """Sum of squares of the weights, as they are rounded."""


def cells(weights: Array, factors: Array, frame: Frame) -> Cells:
    """Count *weights* (float32, outputs x inputs) whose batch norms fold in as *factors*."""
    rows = scaled(weights, factors, frame)
    parts = [part for members in _classes(rows.alike) for part in _count(rows, members, frame)]
    columns = list(zip(*parts, strict=True))
    del parts
    order = np.argsort(np.concatenate(columns[1]), kind="stable").astype(np.int32)
    # Each is let go once it is joined.
    found: list[Any] = [np.concatenate(columns.pop(0))[order] for _ in range(len(columns))]
    return Cells(rows.until, *found)


def _classes(alike: Array) -> Iterator[Array]:
    """Yield rows that are alike: neither too many in a class nor too different."""
    order = np.argsort(alike, kind="stable")
    logs = np.log(np.maximum(alike[order], 1e-30))
    logs = np.maximum(logs, logs[-1] - 7)
    width = logs[-1] - logs[0]
    if not width:
        yield order
        return
    place = (logs - logs[0]) / width + np.arange(len(order)) / len(order)
    yield from filter(
        len, np.split(order, np.searchsorted(place, 2 * np.arange(1, CLASSES) / CLASSES))
    )


def _count(rows: Scaled, members: Array, frame: Frame) -> Iterator[tuple[Array, ...]]:
    """
    Yield the columns of `Cells` for one class of rows.

    An affine grid has all its values on one side once the weaker end of its row is gone. What is
    stronger is in other cells from then on: it leaves its first with the weaker end, and so do as
    many that are less than none in the others.
    """
    parts = 1 if rows.weaker is None else 3
    whole, *others = (_Sums(len(frame.borders.values) + 1) for _ in range(parts))
    for here in np.array_split(members, -(-len(members) * rows.values.shape[1] // CHUNK)):
        here.sort()
        values = rows.values[here]
        sizes, ratios = np.abs(values), values * rows.multipliers[here, None]
        units = np.broadcast_to(rows.units[here, None], sizes.shape)
        at = frame.borders.places(
            ratios if rows.ends is None else np.clip(ratios, *rows.ends[:, here, None])
        )
        if rows.weaker is None:
            whole.add(at, sizes, ratios, units)
            continue
        weaker = np.broadcast_to(rows.weaker[here, None], sizes.shape)
        whole.add(at, np.minimum(sizes, weaker), ratios, units)
        strong = sizes > weaker
        one_sided = np.broadcast_to(rows.one_sided[here, None], sizes.shape)[strong]
        ratios, units = ratios[strong] * (units[strong] / one_sided), one_sided
        at = frame.borders.places(ratios)
        for other, gone in zip(others, (sizes, weaker), strict=True):
            other.add(at, gone[strong], ratios, units)
    whole.drop_zeros(int(rows.spare[members].sum()))
    yield whole.columns(1)
    for other, sign in zip(others, (1, -1), strict=False):
        yield other.columns(sign)


class _Sums:
    """Sums over the cells of one class."""

    def __init__(self, middle: int) -> None:
        self.middle = middle
        self.found = np.zeros((6, 2 * self.middle + 1))

    def add(self, at: Array, sizes: Array, ratios: Array, units: Array) -> None:
        """Add weights by their places; *sizes* are those at which they go."""
        at, sizes, ratios = at.ravel() + self.middle, sizes.ravel(), ratios.ravel()
        whole = np.square(units.ravel(), dtype=np.float64)
        self.found[0] += self._sum(at, None)
        self.found[1] += self._sum(at, sizes)
        self.found[2] += self._sum(at, np.square(sizes, dtype=np.float64))
        for row in self.found[3:]:
            row += self._sum(at, whole)
            whole *= ratios

    def _sum(self, at: Array, values: Array | None) -> Array:
        return np.bincount(at, values, minlength=self.found.shape[1])

    def drop_zeros(self, count: int) -> None:
        """Take away zeros that are no weights."""
        self.found[0, self.middle] -= count

    def columns(self, sign: int) -> tuple[Array, ...]:
        """Return the columns of `Cells`."""
        some = np.flatnonzero(self.found[0])
        counts, sizes, energies, *others = self.found[:, some]
        sizes /= counts
        spreads = np.sqrt(3 * np.maximum(energies / counts - sizes * sizes, 0))
        return (
            (sign * counts).astype(np.int32),
            sizes.astype(np.float32),
            spreads.astype(np.float32),
            (some - self.middle).astype(np.int16),
            *((sign * other).astype(np.float32) for other in others),
        )
