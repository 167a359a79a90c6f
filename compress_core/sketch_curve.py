"""
What rounding does at every sparsity at once: error and entropy of a layer, for one grid.

A symmetric grid does not depend on the threshold, since the largest weight of a row, which makes
it, is the last to go. So codes are found once, and taking weights away changes counts one by one.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compress_core.grids import LinearGrid
from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch

Array = NDArray[Any]

FLOAT = 32
"""Bits of weights that are not rounded."""
POSITIONS: Array = np.unique(
    np.concatenate([np.linspace(0, 1, 161), 1 - np.logspace(-4, -1, 61), np.logspace(-4, -2, 9)])
)
"""Shares of gone weights at which a curve is taken."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Symbols:
    """What every bin of a layer becomes when it is kept, smallest |w| first."""

    codes: Array
    counts: Array
    noise: Array
    """Sum of squared rounding errors."""
    signal: Array
    """Sum of squares, batch norms folded."""
    zero: int
    """The code of what is gone."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Curve:
    """Bits of entropy (of all weights together) and mean square error over what is gone."""

    gone: Array
    """Number of weights, ascending."""
    bits: Array
    mse: Array
    signal: float
    """Mean square of the weights, batch norms folded."""

    def bits_at(self, gone: float | Array) -> Array:
        """Return the entropy of all codes of the layer, in bits."""
        return np.asarray(np.interp(gone, self.gone, self.bits))

    def mse_at(self, gone: float | Array) -> Array:
        """Return the mean square error, pruning included."""
        return np.asarray(np.interp(gone, self.gone, self.mse))


@lru_cache(maxsize=512)
def curve(layer: LayerSketch, how: Quantize, bits: int) -> Curve | None:
    """
    Return what *bits* do to a layer at every sparsity, or None where the sketch cannot tell.

    It takes as long as the bins are many, once; asking the curve takes microseconds.
    """
    if bits == FLOAT:
        return _float_curve(layer)
    found = symbols(layer, how, bits)
    return None if found is None else _curve(layer, found)


def symbols(layer: LayerSketch, how: Quantize, bits: int) -> Symbols | None:
    """Return the codes of a layer's bins, or None where they depend on what is gone."""
    if how.grid == "codebook" or how.calibration != "minmax" or how.scheme == "affine":
        return None
    if not layer.exact:
        return None
    weights = torch.from_numpy(layer.folded)
    grid = weight_grid(weights, replace(how, weight_bits=bits))
    codes = grid.encode(weights)
    order, flat = layer.order, layer.folded.ravel().astype(np.float64)
    noise = np.square(grid.decode(codes).numpy().ravel() - flat)
    zero = 0 if isinstance(grid, LinearGrid) else len(grid.levels) // 2
    return Symbols(
        codes=codes.numpy().ravel()[order], counts=layer.counts, noise=noise[order],
        signal=np.square(flat)[order], zero=zero,
    )  # fmt: skip


def _curve(layer: LayerSketch, symbols: Symbols) -> Curve:
    rising = _rises(symbols.codes, symbols.counts)
    nonzero = symbols.codes != symbols.zero
    inside = _after(np.where(nonzero, rising, 0.0))
    zeros = layer.count - _after(np.where(nonzero, symbols.counts, 0))
    bits = layer.count * np.log2(layer.count) - inside - _weighted_log(zeros)
    lost = np.concatenate([[0.0], np.cumsum(symbols.signal)])
    mse = (_after(symbols.noise) + lost) / layer.count
    return _at_positions(layer, bits, mse, float(lost[-1] / layer.count))


def _float_curve(layer: LayerSketch) -> Curve | None:
    """Take values that are kept as they are: each of their bytes, and which ones are kept."""
    if not layer.exact:
        return None
    planes = layer.weights.ravel()[layer.order].view(np.uint8).reshape(-1, 4)
    kept = layer.count - layer.below
    bits = _weighted_log(layer.count) - _weighted_log(kept) - _weighted_log(layer.count - kept)
    for plane in planes.T:
        bits = bits + _weighted_log(kept) - _after(_rises(plane, layer.counts))
    folded = np.square(layer.folded.ravel().astype(np.float64))[layer.order]
    lost = np.concatenate([[0.0], np.cumsum(folded)])
    return _at_positions(layer, bits, lost / layer.count, float(lost[-1] / layer.count))


def _at_positions(layer: LayerSketch, bits: Array, mse: Array, signal: float) -> Curve:
    at = np.unique(np.searchsorted(layer.below, POSITIONS * layer.count))
    return Curve(gone=layer.below[at], bits=bits[at], mse=mse[at], signal=signal)


def _rises(codes: Array, counts: Array) -> Array:
    """Return what c * log2(c) of a code gains by each bin, when the largest weights come first."""
    backwards = codes[::-1]
    order = np.argsort(backwards, kind="stable")
    run, size = backwards[order], counts[::-1][order]
    total = np.cumsum(size)
    starts = np.flatnonzero(np.append(True, run[1:] != run[:-1]))
    before = np.repeat((total - size)[starts], np.diff(np.append(starts, len(run))))
    rises = np.empty(len(run))
    seen = total - before
    rises[order] = _weighted_log(seen) - _weighted_log(seen - size)
    return rises[::-1]


def _after(values: Array) -> Array:
    """Return the sum of each value and all behind it, and zero at the end."""
    return np.append(np.cumsum(values[::-1])[::-1], 0)


def _weighted_log(count: Any) -> Any:
    """Return c * log2(c), zero for none."""
    count = np.asarray(count, np.float64)
    return count * np.log2(np.maximum(count, 1))
