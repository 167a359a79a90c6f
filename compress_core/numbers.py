"""
Models of arrays for the entropy coder: whole numbers of any size, and float32 values bit for bit.

As in `symbols`, each function serves both ends; what only the writer knows is None for the reader.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from compress_core.ans import Array, Coder
from compress_core.contexts import pass_symbols, shape3
from compress_core.plans import choose_plan, learning_bits
from compress_core.symbols import number, small, uniform_bits

Shape = tuple[int, ...]

FINE = 8
"""Bits of the distance from the center that are modelled; finer ones follow no rule."""
WIDEST = 1 << 40
"""Whole numbers must be closer together and to zero than this."""
SPLIT = 8
"""So many float values have exponents in common; the model of fewer costs more than it saves."""
FAINT = 2.0**-130
"""Less than any float32 but zero and the smallest."""
FEW = 64
"""Bytes that are too few to have a model of their own, unless they are all the same."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Symbols for low..high: one for each number near the center, one for several far away."""

    low: int
    center: int
    high: int

    @property
    def shift(self) -> int:
        """Bits of a distance that a symbol leaves open."""
        farthest = max(self.center - self.low, self.high - self.center)
        return max(0, farthest.bit_length() - FINE)

    @property
    def below(self) -> int:
        """Number of symbols for what is below the center; this is the center's own symbol."""
        return self._bucket(self.center - self.low)

    @property
    def size(self) -> int:
        """Number of symbols."""
        return self.below + self._bucket(self.high - self.center) + 1

    def symbols(self, values: Array) -> Array:
        """Return the symbol of each value."""
        if not self.shift:
            return (values - self.low).astype(np.int32)
        distance = values - self.center
        buckets = (np.abs(distance) - 1 >> self.shift) + 1
        result: Array = self.below + np.sign(distance) * buckets
        return result.astype(np.int32)

    def pass_values(self, coder: Coder, symbols: Array, values: Array | None) -> Array:
        """Pass what the symbols leave open and return the values."""
        if not self.shift:
            return symbols.astype(np.int64) + self.low if values is None else values
        steps = symbols.astype(np.int64) - self.below
        distance, away = np.abs(steps), steps != 0
        fine = None if values is None else np.abs(values[away] - self.center) - 1
        fine = uniform_bits(coder, fine, int(away.sum()), self.shift)
        distance[away] = ((distance[away] - 1) << self.shift) + fine + 1
        found = self.center + np.sign(steps) * distance
        if found.min() < self.low or found.max() > self.high:
            raise ValueError("a number lies outside the range that was announced")
        return found

    def _bucket(self, distance: int) -> int:
        return (distance - 1 >> self.shift) + 1


def pass_integers(
    coder: Coder, values: Array | None, magnitudes: Array | None, shape: Shape
) -> Array:
    """Pass int64 values (flat); by *magnitudes* the writer sees which ones are alike."""
    count = prod(shape)
    if not count:
        return np.zeros(0, np.int64)
    buckets = _pass_range(coder, values)
    if buckets.low == buckets.high:
        return np.full(count, buckets.low, np.int64)
    symbols = plan = None
    if values is not None:
        symbols = buckets.symbols(values)
        if magnitudes is None:
            magnitudes = np.abs(values - buckets.center).astype(np.float64)
        else:
            # Rows without magnitude are taken to hold the center alone, which zero need not be.
            magnitudes = np.maximum(magnitudes, np.where(symbols == buckets.below, 0.0, FAINT))
        plan = choose_plan(symbols, magnitudes, shape3(shape), buckets.below, buckets.size)
    symbols = pass_symbols(coder, symbols, shape3(shape), buckets.below, buckets.size, plan)
    return buckets.pass_values(coder, symbols, values)


def pass_floats(coder: Coder, values: Array | None, shape: Shape) -> Array:
    """Pass float32 values (flat), every bit of them, NaN included."""
    bits = None if values is None else values.view(np.uint32).astype(np.int64)
    method = _plain if prod(shape) < SPLIT else _split
    return method(coder, bits, shape).astype(np.uint32).view(np.float32)


def _plain(coder: Coder, bits: Array | None, shape: Shape) -> Array:
    return uniform_bits(coder, bits, prod(shape), 32)


def _split(coder: Coder, bits: Array | None, shape: Shape) -> Array:
    """Pass exponents, counted from 1 so that 0 is free for +0.0, then the rest of the others."""
    exponents = magnitudes = rest = None
    if bits is not None:
        exponents = np.where(bits == 0, 0, (bits >> 23 & 255) + 1)
        magnitudes = np.ldexp((exponents > 0).astype(np.float64), exponents - 128)
        rest = (bits >> 8 & 1 << 23 | bits & (1 << 23) - 1)[bits != 0]
    exponents = pass_integers(coder, exponents, magnitudes, shape)
    some = exponents > 0
    rest = _planes(coder, rest, int(some.sum()))
    found = np.zeros(len(exponents), np.int64)
    found[some] = (rest >> 23) << 31 | (exponents[some] - 1) << 23 | rest & (1 << 23) - 1
    return found


def _planes(coder: Coder, values: Array | None, count: int) -> Array:
    """Pass 24-bit numbers as three planes of bytes, with a model only where one helps."""
    found = np.zeros(count, np.int64)
    for shift in (16, 8, 0) if count else ():
        plane = None if values is None else values >> shift & 255
        if small(coder, None if plane is None else int(_is_uneven(plane)), 2):
            part = pass_integers(coder, plane, None, (count,))
        else:
            part = uniform_bits(coder, plane, count, 8)
        found |= part << shift
    return found


def _is_uneven(plane: Array) -> bool:
    counts = np.bincount(plane, minlength=256)
    if len(plane) < FEW:
        return bool(counts.max() == len(plane))
    return learning_bits(counts) < 8 * len(plane)


def _pass_range(coder: Coder, values: Array | None) -> Buckets:
    """Pass the lowest, the most frequent and the highest value; a middle one where all are far."""
    low = center = high = sign = None
    if values is not None:
        low, high = int(values.min()), int(values.max())
        center = low + (_mode(values - low) if high - low < 1 << 16 else (high - low) // 2)
        if max(abs(low), high - low) >= WIDEST:
            raise ValueError(f"Values from {low} to {high} are too far apart to be packed.")
        sign = int(low < 0)
    negative = small(coder, sign, 2)
    magnitude = number(coder, None if low is None else abs(low), WIDEST)
    lowest = -magnitude if negative else magnitude
    span = number(coder, None if high is None else high - lowest, WIDEST)
    middle = number(coder, None if center is None else center - lowest, span + 1)
    return Buckets(lowest, lowest + middle, lowest + span)


def _mode(values: Array) -> int:
    return int(np.bincount(values).argmax())
