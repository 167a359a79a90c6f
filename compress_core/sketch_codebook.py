"""
The codebook of a large layer from its cells: k-means on a histogram instead of on weights.

It takes the steps of `fit_grid.fit_codebook`, on weights that are spread evenly within each cell.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.fit_grid import KMEANS_POINTS, KMEANS_ROUNDS
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_frame import Frame
from compress_core.sketch_mass import before, mass
from compress_core.sketch_symbols import cells_of, cut_of, frame_of, left_by_size

Array = NDArray[Any]


@lru_cache(maxsize=1024)
def of_codebook(layer: LayerSketch, how: Quantize, bits: int, gone: float) -> tuple[float, float]:
    """
    Return the error of what is kept, over all weights, and the entropy of the codes.

    Levels are found anew for what is kept, which takes some milliseconds.
    """
    frame = frame_of(how)
    assert frame is not None
    edges, counts, tops, products, squares = _by_place(layer, frame, gone)
    middle = (edges[1:] + edges[:-1]) / 2
    means = np.where(tops > 0, products / np.maximum(tops, 1e-300), middle)
    levels = _levels(edges, counts, means - middle, 2**bits)
    middles = (levels[1:] + levels[:-1]) / 2
    # Cells that a border between levels cuts are shared out.
    cuts = np.unique(np.concatenate([edges, middles]))
    widths, centres = np.diff(cuts), (cuts[1:] + cuts[:-1]) / 2
    cell, code = np.searchsorted(edges, centres) - 1, np.searchsorted(middles, centres)
    share, level = widths / np.diff(edges)[cell], levels[code]
    part = share * tops[cell] * ((centres - level) ** 2 + widths**2 / 12)
    whole = squares[cell] - level * (2 * products[cell] - level * tops[cell])
    amounts = np.bincount(code, share * counts[cell], minlength=len(levels))
    amounts[np.searchsorted(levels, 0.0)] += layer.count - amounts.sum()
    entropy = float(np.log2(layer.count)) - float(mass(amounts).sum()) / layer.count
    return float(np.where(share < 1, part, whole).sum()) / layer.count, max(0.0, entropy)


@lru_cache(maxsize=64)
def _by_place(layer: LayerSketch, frame: Frame, gone: float) -> tuple[Array, ...]:
    """Return edges between places, and what is kept between them: `Cells` of all rows together."""
    found = cells_of(layer, frame)
    cut, count = cut_of(layer, found, gone), len(found.counts)
    kept = cut.of_all(count)
    squared = replace(cut, kept=left_by_size(found, cut)).of_all(count)
    upper = frame.borders.edges
    middle = len(upper) - 1
    columns = (
        kept * found.counts,
        *(squared * v for v in (found.tops, found.products, found.squares)),
    )
    sums = [np.bincount(found.place + middle, v, minlength=2 * middle + 1) for v in columns]
    edges = np.concatenate([-upper[:0:-1], upper])
    return edges, *(np.delete(each, middle) for each in sums)


def _levels(edges: Array, counts: Array, beside: Array, count: int) -> Array:
    """Return at most *count* sorted centres, one of them zero, as `fit_grid` finds them."""
    full = np.flatnonzero(counts > 0)
    if not len(full):
        return np.zeros(1)
    inside = slice(full[0], full[-1] + 1)
    edges, counts, beside = edges[full[0] : full[-1] + 2], counts[inside], beside[inside]
    # Equal ones, such as the largest of each row, are one place to start from.
    point = max(1.0, counts.sum() / KMEANS_POINTS)
    distinct = counts.copy()
    distinct[[0, -1]] = np.minimum(distinct[[0, -1]], point)
    below = before(distinct)
    centres = np.interp(np.linspace(0, below[-1], count - 1), below, edges)
    centres = np.unique(np.append(centres, 0.0))
    # Where points stand for many weights, both ends are points all the same.
    counts = counts.copy()
    counts[[0, -1]] += (point - 1) / 2
    below, sums = before(counts), before(counts * ((edges[1:] + edges[:-1]) / 2 + beside))
    for _ in range(KMEANS_ROUNDS):
        borders = np.concatenate([edges[:1], (centres[1:] + centres[:-1]) / 2, edges[-1:]])
        at = np.clip(np.searchsorted(edges, borders, side="right") - 1, 0, len(counts) - 1)
        part = counts[at] * (borders - edges[at]) / (edges[at + 1] - edges[at])
        amounts = np.diff(below[at] + part)
        moments = np.diff(sums[at] + part * ((edges[at] + borders) / 2 + beside[at]))
        moves = (amounts > 0.5) & (centres != 0)
        found = np.clip(moments / np.where(moves, amounts, 1), borders[:-1], borders[1:])
        centres = np.where(moves, found, centres)
    return centres
