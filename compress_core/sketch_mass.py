"""
Entropy while weights are taken away: n * H = n * log2(n) - sum of c * log2(c) over all codes.

So the smallest weights can be taken away one by one: each changes the count of one code alone.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FEW = 64
"""Expected counts above this are as good as certain."""


def mass(count: Any, spread: Any = 1.0) -> Array:
    """
    Return c * log2(c) for each count, zero for none.

    With *spread*, a count is spread by chance over so many codes: the expectation of the sum over
    them, each Poisson distributed.
    """
    count = np.asarray(count, np.float64)
    certain: Array = count * np.log2(np.maximum(count, 1e-300))
    if np.all(spread == 1.0):
        return certain
    expected = count / spread
    points, values = _poisson()
    large = np.maximum(expected, 1)
    many = expected * np.log2(large) + (0.5 + 1 / (12 * large)) / np.log(2)
    few = np.interp(expected, points, values)
    return np.where(spread == 1.0, certain, spread * np.where(expected < _FEW, few, many))


@lru_cache(maxsize=1)
def _poisson() -> tuple[Array, Array]:
    """Return expected counts up to _FEW and what c * log2(c) is on average for each."""
    points = np.concatenate([[0.0], np.geomspace(1e-5, _FEW, 1200)])
    counts = np.arange(1, 4 * _FEW)
    logs = np.cumsum(np.log(counts))
    odds = np.exp(counts * np.log(np.maximum(points, 1e-300))[:, None] - points[:, None] - logs)
    return points, odds @ (counts * np.log2(counts))


def rises(codes: Array, counts: Array, spread: Any = 1.0) -> Array:
    """Return what the mass of its code gains by each part, when the last parts come first."""
    backwards = codes[::-1]
    order = np.argsort(backwards, kind="stable")
    run, size = backwards[order], counts[::-1][order]
    total = np.cumsum(size)
    starts = np.flatnonzero(np.append(True, run[1:] != run[:-1]))
    earlier = np.repeat((total - size)[starts], np.diff(np.append(starts, len(run))))
    seen = total - earlier
    wide = np.broadcast_to(spread, codes.shape)[::-1][order]
    found = np.empty(len(run))
    found[order] = mass(seen, wide) - mass(seen - size, wide)
    return found[::-1]


def after(values: Array) -> Array:
    """Return the sum of each value and all behind it, and zero at the end."""
    return np.append(np.cumsum(values[::-1])[::-1], 0)


def before(values: Array) -> Array:
    """Return the sum of all before each value, and of all at the end."""
    return np.append(0, np.cumsum(values, dtype=np.int64 if values.dtype.kind in "bi" else None))
