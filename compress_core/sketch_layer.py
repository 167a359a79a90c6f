"""
Make the sketch of a layer, in chunks: bins for what is pruned, cells for what is rounded.

Beside the weights it needs what a few chunks, bins and cells take: less than a layer of half a
million weights, and little more for larger ones (a few numbers for each group with a scale of its
own). Layers so small that their weights are kept take some times their own bytes: 6 MB at most.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.sketch import LayerSketch
from compress_core.sketch_cells import CHUNK, Cells, cells

Array = NDArray[Any]

EXACT = 1 << 18
"""Layers of at most so many weights have a bin for each."""
MANTISSA = 10
"""Bits of a float32's fraction that tell bins apart: 1024 bins for each power of two."""
GROUP = 32
"""Weights that share a scale, in the sketch of a large layer."""


def sketch_layer(
    name: str, weights: Array, factors: Array | None = None, exact: int = EXACT
) -> LayerSketch:
    """
    Sketch the weights (float32, outputs first) of one layer.

    Layers of up to *exact* weights are kept as they are beside their order. Of larger ones only
    bins and cells are kept, as many whatever the number of weights.
    """
    rows = weights.reshape(len(weights), -1)
    if factors is None:
        factors = np.ones(len(rows), np.float32)
    ends = np.stack([rows.min(1), rows.max(1)], 1)
    if weights.size <= exact:
        found = _points(rows)
    else:
        found = _bins(rows) | {"cells": _cells(rows, ends, factors)}
    return LayerSketch(name=name, shape=weights.shape, factors=factors, ends=ends, **found)


def _points(rows: Array) -> dict[str, Any]:
    flat = rows.ravel()[np.argsort(np.abs(rows).ravel(), kind="stable")]
    sizes = np.abs(flat)
    return {
        "low": sizes,
        "high": sizes,
        "counts": np.ones(len(flat), np.int32),
        "negative": flat < 0,
        "energies": np.square(sizes, dtype=np.float64),
        "weights": rows,
    }


def _bins(rows: Array) -> dict[str, Any]:
    """Count weights by the leading bits of |w|, which are in order of size."""
    octaves = _octaves(rows)
    closer = np.zeros(256, np.int32)
    closer[octaves] = octaves - np.arange(len(octaves)) << MANTISSA
    keys = len(octaves) << MANTISSA
    counts, negative = np.zeros(keys, np.int32), np.zeros(keys, np.int32)
    sums, squares = np.zeros(keys), np.zeros(keys)
    seen = np.zeros((2, 256), np.int64)
    for chunk in _chunks(rows):
        sizes = np.abs(chunk)
        key = sizes.view(np.int32) >> 23 - MANTISSA
        key -= closer[key >> MANTISSA]
        counts += np.bincount(key, minlength=keys).astype(np.int32)
        negative += np.bincount(key[chunk < 0], minlength=keys).astype(np.int32)
        sums += np.bincount(key, sizes, minlength=keys)
        squares += np.bincount(key, np.square(sizes, dtype=np.float64), minlength=keys)
        for plane in (0, 1):
            seen[plane] += np.bincount(chunk.view(np.uint8)[plane::4], minlength=256)
    some = np.flatnonzero(counts)
    counts, sums, squares = counts[some], sums[some], squares[some]
    key = some + closer[octaves[some >> MANTISSA]]
    seen[:, 0] -= counts[key == 0].sum()
    mean = sums / counts
    # As if weights were spread evenly about their mean, as wide as they are: equal ones stay so.
    spread = np.sqrt(3 * np.maximum(squares / counts - mean * mean, 0))
    spread[spread < 1e-6 * mean] = 0
    ends = [(key + up << 23 - MANTISSA).astype(np.int32).view(np.float32) for up in (0, 1)]
    uneven = (counts >= 8) & (2 * spread < 0.3 * (ends[1] - ends[0])) & (mean > 0)
    return {
        "low": np.maximum(mean - spread, ends[0]).astype(np.float32),
        "high": np.minimum(mean + spread, ends[1]).astype(np.float32),
        "counts": counts,
        "negative": negative[some],
        "energies": squares,
        "smooth": bool(counts[uneven].sum() < 0.01 * counts.sum()),
        "bytes_seen": seen,
    }


def _octaves(rows: Array) -> Array:
    """Return the exponents that occur, as float32 writes them: other powers of two get no bins."""
    seen = np.zeros(256, np.int64)
    for chunk in _chunks(rows):
        seen += np.bincount(np.abs(chunk).view(np.int32) >> 23, minlength=256)
    return np.flatnonzero(seen).astype(np.int32)


def _cells(rows: Array, ends: Array, factors: Array) -> dict[str, Cells]:
    largest = np.abs(ends).max(1)
    shared = float((np.abs(factors) * largest).max())
    found = {"per_channel": cells(rows, largest, factors)}
    if shared:
        found["per_tensor"] = cells(rows, largest, factors, shared)
    if rows.shape[1] % GROUP == 0:
        groups = rows.reshape(-1, GROUP)
        largest = np.maximum(groups.max(1), -groups.min(1))
        repeated = np.repeat(factors, rows.shape[1] // GROUP)
        found["per_group"] = cells(groups, largest, repeated)
    return found


def _chunks(rows: Array) -> Iterator[Array]:
    flat = rows.reshape(-1)
    for start in range(0, len(flat), CHUNK):
        yield flat[start : start + CHUNK]
