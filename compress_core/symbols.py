"""
Models of small whole numbers for the entropy coder: adaptive, with contexts, without tables.

Nothing here tells writing from reading: each function passes symbols through a `Coder` and returns
them; the argument *symbols* is None for the reader. All arithmetic that probabilities come from is
exact or rounded once by IEEE 754 in a fixed order (no exp, no log, no pairwise sums), so a file
reads the same on every machine.
"""

from collections.abc import Iterator

import numpy as np

from compress_core.ans import Array, Coder

COUNT = 64
"""What one seen symbol adds to its weight; a prior can be finer than one symbol."""
FIRST_BLOCK = 4
LEVELS = 64
"""Steps in which the share and the spread of a prior are given."""
SPREADS: Array = np.array([(4 + i % 4) * (1 << i // 4) / 4 for i in range(LEVELS)])
"""Mean distances from the center: 1, 1.25, 1.5, 1.75, 2, 2.5, ...: four steps to a doubling."""


def even(size: int) -> Array:
    """Return the weights that know nothing: half a symbol of each kind."""
    return np.full(size, COUNT / 2)


def spikes(center: int, shares: Array, spreads: Array, size: int, bell: bool) -> Array:
    """
    Return distributions (rows) of *size* symbols: a spike at the center and two sides.

    *shares* (of the center) and *spreads* (of the rest) are levels, 0 to LEVELS - 1. Sides fall
    like a bell (q ** d²) or geometrically (q ** d).
    """
    share = ((shares + 0.5) / LEVELS)[:, None]
    spread = SPREADS[spreads]
    # A bell's mean distance is 0.8 standard deviations, and ln q is -1 / variance.
    ratio = 1 - 1 / (1.5625 * spread * spread + 0.5 if bell else spread + 0.125)
    powers = np.multiply.accumulate(np.repeat(ratio[:, None], size, 1), axis=1)
    if bell:
        powers = np.multiply.accumulate(powers, axis=1)
    sides = powers[:, np.abs(np.arange(size) - center) - 1]
    sides[:, center] = 0
    # accumulate adds one after the other; sum would add in an order that varies.
    total = np.add.accumulate(sides, axis=1)[:, -1:]
    result = sides * ((1 - share) / np.maximum(total, 1e-300))
    result[:, center] = share[:, 0]
    return result


def adaptive(coder: Coder, symbols: Array | None, count: int, weights: Array) -> Array:
    """Pass *count* symbols whose probabilities are learnt on the way, from block to block."""
    weights, found = weights.copy(), np.empty(count, np.int32) if symbols is None else symbols
    for start, stop in blocks(count):
        part = coder.code(None if symbols is None else symbols[start:stop], stop - start, weights)
        if symbols is None:
            found[start:stop] = part
        if stop < count:
            weights += COUNT * np.bincount(part, minlength=len(weights))
    return found


def contextual(coder: Coder, symbols: Array | None, contexts: Array, priors: Array) -> Array:
    """Pass one symbol for each of *contexts*, every context with weights (a row) of its own."""
    order = np.argsort(contexts.astype(np.uint8), kind="stable")
    ends = np.add.accumulate(np.bincount(contexts, minlength=len(priors)))
    found = np.empty(len(contexts), np.int32) if symbols is None else symbols
    for start, end, prior in zip([0, *ends[:-1]], ends, priors, strict=True):
        here = order[start:end]
        part = adaptive(coder, None if symbols is None else symbols[here], len(here), prior)
        if symbols is None:
            found[here] = part
    return found


def blocks(count: int) -> Iterator[tuple[int, int]]:
    """Cut 0..count into stretches that grow: who knows more need not learn so often."""
    start = 0
    while start < count:
        stop = min(count, start + max(FIRST_BLOCK, start // 4))
        yield start, stop
        start = stop


def small(coder: Coder, value: int | None, limit: int) -> int:
    """Pass a whole number from 0 to below *limit*, all equally likely."""
    given = None if value is None else np.array([value])
    return int(coder.code(given, 1, np.ones(limit))[0])


def number(coder: Coder, value: int | None, limit: int) -> int:
    """Pass a whole number from 0 to below *limit*: its length in bits, then the bits."""
    longest = (limit - 1).bit_length()
    length = small(coder, None if value is None else value.bit_length(), longest + 1)
    bits = uniform_bits(coder, None if value is None else np.array([value]), 1, length)
    if bits[0] >= limit:
        raise ValueError(f"a number is {bits[0]}, but must be below {limit}")
    return int(bits[0])


def uniform_bits(coder: Coder, values: Array | None, count: int, bits: int) -> Array:
    """Pass *count* numbers of so many bits that follow no rule, a byte at a time."""
    found = np.zeros(count, np.int64)
    for shift in range(0, bits, 8):
        width = min(8, bits - shift)
        part = None if values is None else values >> shift & (1 << width) - 1
        found |= coder.code(part, count, np.ones(1 << width)).astype(np.int64) << shift
    return found
