"""
Make the sketch of a layer, in chunks: bins for what is pruned, cells for what is rounded.

Of few weights it keeps an order, which takes as many bytes as they. Of many it takes beside them
what a few chunks, bins and cells do: less than a layer of a million weights, and little more for
larger ones. Cells for grids that are not the usual ones are made when they are first asked for.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.sketch import LayerSketch
from compress_core.sketch_cells import Cells, cells
from compress_core.sketch_frame import Frame, Granularity
from compress_core.sketch_mass import before
from compress_core.sketch_order import CHUNK, EXACT, MANTISSA, Bins, Points

Array = NDArray[Any]


def sketch_layer(
    name: str, weights: Array, factors: Array | None = None, exact: int = EXACT
) -> LayerSketch:
    """
    Sketch the weights (float32, outputs first) of one layer.

    Layers of up to *exact* weights are told from their order. Of larger ones bins and cells are
    kept, as many whatever the number of weights. The weights themselves are not copied.
    """
    rows = weights.reshape(len(weights), -1)
    if factors is None:
        factors = np.broadcast_to(np.float32(1), len(rows))
    if weights.size <= exact:
        found: dict[str, Any] = {"order": Points.of(rows)}
    else:
        found = {"cells": _cells(rows, factors), **_bins(rows, factors)}
    return LayerSketch(name=name, shape=weights.shape, factors=factors, weights=rows, **found)


def _bins(rows: Array, factors: Array) -> dict[str, Any]:
    """Count weights by the leading bits of |w|, which are in order of size."""
    octaves = _octaves(rows)
    closer = np.zeros(256, np.int32)
    closer[octaves] = octaves - np.arange(len(octaves)) << MANTISSA
    keys = len(octaves) << MANTISSA
    counts, negative = np.zeros(keys, np.int32), np.zeros(keys, np.int32)
    sums, squares, folded = np.zeros(keys), np.zeros(keys), np.zeros(keys)
    even, done = bool((np.abs(factors) == 1).all()), 0
    seen = np.zeros((2, 256), np.int64)
    for chunk in _chunks(rows):
        sizes = np.abs(chunk)
        key = sizes.view(np.int32) >> 23 - MANTISSA
        key -= closer[key >> MANTISSA]
        counts += np.bincount(key, minlength=keys).astype(np.int32)
        negative += np.bincount(key[chunk < 0], minlength=keys).astype(np.int32)
        sums += np.bincount(key, sizes, minlength=keys)
        energy = np.square(sizes, dtype=np.float64)
        squares += np.bincount(key, energy, minlength=keys)
        if not even:
            row = np.arange(done, done + len(chunk)) // rows.shape[1]
            folded += np.bincount(key, energy * np.square(factors[row]), minlength=keys)
            done += len(chunk)
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
    order = Bins(
        low=np.maximum(mean - spread, ends[0]).astype(np.float32),
        high=np.minimum(mean + spread, ends[1]).astype(np.float32),
        counts=counts,
        negative=negative[some],
        energies=squares,
    )
    energies = order.energy_below if even else before(folded[some])
    smooth = bool(counts[uneven].sum() < 0.01 * counts.sum())
    return {"order": order, "smooth": smooth, "bytes_seen": seen, "folded_below": energies}


def _octaves(rows: Array) -> Array:
    """Return the exponents that occur, as float32 writes them: other powers of two get no bins."""
    seen = np.zeros(256, np.int64)
    for chunk in _chunks(rows):
        seen += np.bincount(np.abs(chunk).view(np.int32) >> 23, minlength=256)
    return np.flatnonzero(seen).astype(np.int32)


def _cells(rows: Array, factors: Array) -> dict[Frame, Cells]:
    """Return cells for symmetric grids over the whole range, with a scale for each row or one."""
    names: tuple[Granularity, ...] = ("per_channel", "per_tensor")
    frames = [Frame(granularity=name) for name in names]
    return {frame: cells(rows, factors, frame) for frame in frames}


def _chunks(rows: Array) -> Iterator[Array]:
    flat = rows.reshape(-1)
    for start in range(0, len(flat), CHUNK):
        yield flat[start : start + CHUNK]
