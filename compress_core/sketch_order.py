"""
Weights in order of size: every one of them (`Points`), or counted in bins (`Bins`).

Both tell what lies below a threshold and which threshold a number of weights lies below.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.sketch_mass import before

Array = NDArray[Any]

EXACT = 5 << 17
"""So many weights at most are each kept in order."""
MANTISSA = 10
"""Bits of a float32's fraction that tell bins apart: 1024 bins for each power of two."""
CHUNK = 1 << 14
"""Weights that are looked at in one go."""
SMALL_CHUNK = 1 << 11
"""The same where all of them are few."""
_BLOCK = 64
"""Weights between two sums that are kept."""


@dataclass(frozen=True, eq=False)
class Points:
    """Every weight, smallest |w| first, in as many bytes as it has."""

    keys: Array
    """uint32: the bits of float32, turned so that the sign comes last; ascending."""

    @classmethod
    def of(cls, weights: Array) -> "Points":
        """Sort weights (float32, any shape)."""
        # Minus zero is not less than zero.
        keys = (weights.ravel() + np.float32(0)).view(np.uint32)
        step = max(_BLOCK, len(keys) // _BLOCK)
        for start in range(0, len(keys), step):
            part = keys[start : start + step]
            part[:] = part << 1 | part >> 31
        keys.sort()
        return cls(keys)

    @property
    def count(self) -> int:
        """Number of weights."""
        return len(self.keys)

    @property
    def negatives(self) -> int:
        """How many are below zero."""
        return int(self._negatives[-1])

    @property
    def total_energy(self) -> float:
        """Sum of squares."""
        return float(self._energies[-1])

    def sizes(self, at: Any = slice(None)) -> Array:
        """Return |w| of the weights at these places of the order."""
        return _sizes(self.keys[at])

    def gone(self, threshold: float | Array) -> Array:
        """Return how many weights are smaller than *threshold*."""
        # Pruning compares in float32 as well.
        keys = np.asarray(threshold, np.float32).view(np.uint32) << np.uint32(1)
        return np.searchsorted(self.keys, keys).astype(np.float64)

    def negative_gone(self, threshold: float | Array) -> Array:
        """Return how many of these are negative."""
        return self._until(self.gone(threshold), self._negatives, _negative)

    def threshold(self, gone: float | Array) -> Array:
        """Return the least threshold below which *gone* weights lie, as far as ties allow."""
        at = np.clip(gone, 0, self.count - 1).astype(np.int64)
        beyond = float(np.nextafter(self.sizes(-1), np.float32(np.inf)))
        return np.where(np.asarray(gone) >= self.count, beyond, self.sizes(at).astype(np.float64))

    def energy(self, gone: float | Array) -> Array:
        """Return the sum of squares of the *gone* smallest weights."""
        return self._until(np.asarray(gone, np.float64), self._energies, _square)

    def first(self, count: int) -> "Points":
        """Return the *count* smallest; nothing is copied."""
        return Points(self.keys[:count])

    def bins(self) -> "Bins":
        """Return the same in bins."""
        keys = self.keys >> 24 - MANTISSA
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        ends = np.append(starts[1:], self.count)
        return Bins(
            low=self.sizes(starts),
            high=self.sizes(ends - 1),
            counts=(ends - starts).astype(np.int32),
            negative=np.add.reduceat(self.keys & 1, starts).astype(np.int32),
            energies=np.add.reduceat(_square(self.keys), starts),
        )

    @cached_property
    def _energies(self) -> Array:
        return self._sums(_square)

    @cached_property
    def _negatives(self) -> Array:
        return self._sums(_negative)

    def _sums(self, value: Any) -> Array:
        """Return the sum of a value of each weight before every block, and of all at the end."""
        chunks = (
            self.keys[start : start + SMALL_CHUNK] for start in range(0, self.count, SMALL_CHUNK)
        )
        parts = [np.add.reduceat(value(c), np.arange(0, len(c), _BLOCK)) for c in chunks]
        return before(np.concatenate(parts))

    def _until(self, gone: Array, sums: Array, value: Any) -> Array:
        """Return the sum of a value of the *gone* smallest weights."""
        gone = np.clip(gone, 0, self.count)
        block = np.minimum(gone.astype(np.int64) // _BLOCK, len(sums) - 2)
        inside = block[..., None] * _BLOCK + np.arange(_BLOCK + 1)
        part = np.clip(gone[..., None] - inside, 0, 1) * value(
            self.keys[np.minimum(inside, self.count - 1)]
        )
        found: Array = sums[block] + part.sum(-1)
        return found


def _sizes(keys: Array) -> Array:
    return (keys >> np.uint32(1)).view(np.float32)


def _square(keys: Array) -> Array:
    return np.square(_sizes(keys), dtype=np.float64)


def _negative(keys: Array) -> Array:
    return (keys & 1).astype(np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Bins:
    """Weights counted by |w|, smallest first. Bins do not overlap; one may be a point."""

    low: Array
    """Where each bin begins (float32)."""
    high: Array
    """Where it ends: equal to *low* where all its weights are the same."""
    counts: Array
    """Weights in each bin (int32)."""
    negative: Array
    """How many of them are below zero."""
    energies: Array
    """Sum of w^2 in each bin (float64)."""

    @cached_property
    def below(self) -> Array:
        """Number of weights before each bin, and of all at the end."""
        return before(self.counts)

    @cached_property
    def energy_below(self) -> Array:
        """Sum of w^2 before each bin, and of all at the end."""
        return before(self.energies)

    @property
    def count(self) -> int:
        """Number of weights."""
        return int(self.below[-1])

    @property
    def negatives(self) -> int:
        """How many are below zero."""
        return int(self.negative.sum())

    @property
    def total_energy(self) -> float:
        """Sum of squares."""
        return float(self.energy_below[-1])

    def gone(self, threshold: float | Array) -> Array:
        """Return how many weights are smaller than *threshold* (fractions where bins are cut)."""
        return self._until(threshold, self.below)

    def negative_gone(self, threshold: float | Array) -> Array:
        """Return how many of these are negative."""
        return self._until(threshold, before(self.negative))

    def threshold(self, gone: float | Array) -> Array:
        """Return the least threshold below which *gone* weights lie."""
        at, part = self._bin(gone)
        low, high = self.low[at].astype(np.float64), self.high[at].astype(np.float64)
        beyond = float(np.nextafter(self.high[-1], np.float32(np.inf)))
        return np.where(np.asarray(gone) >= self.count, beyond, low + part * (high - low))

    def energy(self, gone: float | Array) -> Array:
        """Return the sum of squares of the *gone* smallest weights."""
        at, part = self._bin(gone)
        carried: Array = self.energy_below[at] + part * self.energies[at]
        return carried

    def first(self, count: int) -> "Bins":
        """Return the *count* smallest weights."""
        last = int(np.searchsorted(self.below, count, side="left"))
        counts = self.counts[:last].copy()
        if last:
            counts[-1] -= self.below[last] - count
        return Bins(
            counts=counts,
            **{what: getattr(self, what)[:last] for what in _COLUMNS if what != "counts"},
        )

    def bins(self) -> "Bins":
        """Return the same."""
        return self

    def _bin(self, gone: float | Array) -> tuple[Array, Array]:
        """Return the bin in which the weight of this rank lies, and which part lies before it."""
        gone = np.clip(np.asarray(gone, np.float64), 0, self.count)
        at = np.searchsorted(self.below, gone, side="right") - 1
        at = np.clip(at, 0, len(self.counts) - 1)
        return at, (gone - self.below[at]) / self.counts[at]

    def _until(self, threshold: float | Array, sums: Array) -> Array:
        """Return what *sums* amounts to below a threshold, bins being even inside."""
        sizes = np.asarray(threshold, np.float32)
        at = np.searchsorted(self.high, sizes, side="left")
        inside = np.minimum(at, len(self.high) - 1)
        low, high = self.low[inside].astype(np.float64), self.high[inside].astype(np.float64)
        part = np.clip((sizes - low) / np.where(high > low, high - low, np.inf), 0, 1)
        rise = np.where(at < len(self.high), sums[inside + 1] - sums[inside], 0)
        found: Array = sums[at] + part * rise
        return found


_COLUMNS = ("low", "high", "counts", "negative", "energies")
Order = Points | Bins


def merge(orders: Sequence[Order]) -> Order:
    """Return weights of several layers in one order: each of few, bins of many."""
    points = [order.keys for order in orders if isinstance(order, Points)]
    if len(points) == len(orders) and sum(map(len, points)) <= EXACT:
        keys = np.concatenate(points)
        keys.sort()
        return Points(keys)
    found = _joined([order.bins() for order in orders if order.count])
    key = found.low.view(np.int32) >> 23 - MANTISSA
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    ends = {"low": np.minimum, "high": np.maximum}
    return Bins(
        **{what: ends.get(what, np.add).reduceat(getattr(found, what), starts) for what in _COLUMNS}
    )


def _joined(parts: Sequence[Bins]) -> Bins:
    """Return all bins, those that begin lower first."""
    columns = {what: np.concatenate([getattr(part, what) for part in parts]) for what in _COLUMNS}
    order = np.argsort(columns["low"], kind="stable")
    return replace(parts[0], **{what: values[order] for what, values in columns.items()})
