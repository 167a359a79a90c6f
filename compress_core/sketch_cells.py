"""
Many weights in few cells, none of which a symmetric grid of up to 10 bits cuts in two.

Rounding with a scale for each row depends on weight / largest weight of the row, pruning on the
weight itself. So cells are counted by that ratio, apart for classes of rows whose largest weights
are alike. Their borders are those where any of the grids rounds to the next value, so counts of
codes are exact; only where a threshold passes through a cell is it shared out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.sketch_order import CHUNK

Array = NDArray[Any]

FINEST = 10
"""Bits of the finest grid whose borders cells keep to."""
BORDERS: Array = np.unique(
    np.concatenate(
        [(np.arange(2**bits - 1) + 0.5) / (2**bits - 1) for bits in range(1, FINEST)]
    ).astype(np.float32)
)
"""Of |ratio|, between the values of symmetric grids of 2 to FINEST bits."""
CLASSES = 20
FINE = 1 << 16
_PLACES = np.searchsorted(BORDERS, np.arange(FINE + 1, dtype=np.float32) / FINE, side="right")
_CUT = np.append(_PLACES[1:] != _PLACES[:-1], True)
"""Whether a border lies between this of FINE even steps and the next."""


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """
    Weights by ratio and class of row, in order of mean |w|; each value is a sum over a cell.

    26 bytes a cell: sums are taken in float64 and kept in float32.
    """

    counts: Array
    sizes: Array
    """Mean |w|."""
    spreads: Array
    """How far |w| lies to both sides of it, as if it did evenly."""
    place: Array
    """0 for a ratio of zero, else +-(1 + the number of borders below)."""
    tops: Array
    """Sum of the squared largest weights of the rows, as they are rounded."""
    products: Array
    """Sum of the same times the ratios."""
    squares: Array
    """Sum of squares of the weights, as they are rounded."""


def cells(rows: Array, largest: Array, factors: Array, shared: float | None = None) -> Cells:
    """
    Count the weights of *rows* (float32, rows x columns) whose *largest* magnitudes are given.

    *factors* fold batch norms into the rows. With *shared*, the largest folded weight of all, the
    ratio is taken to that and classes are of factors.
    """
    multipliers = factors / shared if shared else _inverse(largest) * np.sign(factors)
    tops = np.full(len(rows), shared) if shared else np.abs(factors) * largest
    alike = np.abs(factors) if shared else largest
    parts = [_count(rows, members, multipliers, tops) for members in _classes(alike)]
    columns = list(zip(*parts, strict=True))
    del parts
    order = np.argsort(np.concatenate(columns[1]), kind="stable").astype(np.int32)
    # Each is let go once it is joined.
    return Cells(*(np.concatenate(columns.pop(0))[order] for _ in range(len(columns))))


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


def _count(rows: Array, members: Array, multipliers: Array, tops: Array) -> tuple[Array, ...]:
    """Return the columns of `Cells` for one class of rows."""
    width = 2 * (len(BORDERS) + 1) + 1
    sums = np.zeros((6, width))
    step = max(1, CHUNK // rows.shape[1])
    for start in range(0, len(members), step):
        here = np.sort(members[start : start + step])
        values = rows[here]
        ratios = values * multipliers[here, None].astype(np.float32)
        at = (places(ratios) + width // 2).ravel()
        ratios, top = ratios.ravel(), np.repeat(tops[here].astype(np.float64), rows.shape[1])
        sums[0] += np.bincount(at, minlength=width)
        sums[1] += np.bincount(at, np.abs(values).ravel(), minlength=width)
        sums[2] += np.bincount(at, np.square(values, dtype=np.float64).ravel(), minlength=width)
        top *= top
        for power in (3, 4, 5):
            sums[power] += np.bincount(at, top, minlength=width)
            top *= ratios
    some = np.flatnonzero(sums[0])
    counts, sizes, energies, *others = sums[:, some]
    sizes /= counts
    spreads = np.sqrt(3 * np.maximum(energies / counts - sizes * sizes, 0))
    return (
        counts.astype(np.int32),
        sizes.astype(np.float32),
        spreads.astype(np.float32),
        (some - width // 2).astype(np.int16),
        *(other.astype(np.float32) for other in others),
    )


def places(ratios: Array) -> Array:
    """Return 0 for zero, else the sign times one more than the number of borders below |ratio|."""
    sizes = np.abs(ratios)
    fine = np.minimum(sizes * FINE, FINE).astype(np.int32)
    found = _PLACES[fine].astype(np.int32)
    cut = _CUT[fine]
    found[cut] = np.searchsorted(BORDERS, sizes[cut], side="right")
    signed: Array = (found + 1) * np.sign(ratios).astype(np.int32)
    return signed


def _inverse(largest: Array) -> Array:
    some = largest > np.finfo(np.float32).tiny
    inverse: Array = np.where(some, 1 / np.where(some, largest, 1), 1)
    return inverse


def codes_of(place: Array, bits: int) -> Array:
    """Return the code of the symmetric grid of *bits* (at most FINEST) for each place."""
    half = 2 ** (bits - 1) - 1
    lower = np.concatenate([[0.0], BORDERS.astype(np.float64)])
    upper = np.append(BORDERS.astype(np.float64), 1.0)
    middle = np.rint((lower + upper) / 2 * half).astype(np.int64)
    found: Array = np.sign(place) * middle[np.maximum(np.abs(place) - 1, 0)]
    return found
