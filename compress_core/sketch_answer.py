"""
Error and entropy of a layer at one sparsity and for one grid, as rounding its weights would tell.

Few weights are rounded again for it. Of more, cells tell what even steps over the whole range make
of them; what other grids would is not known of so many, and None is said.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, inf, log10
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compress_core.masks import drop_lowest
from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_curve import FLOAT, float_curve, parameter_bytes
from compress_core.sketch_mass import before, mass
from compress_core.sketch_order import Bins
from compress_core.sketch_symbols import Symbols, symbols

Array = NDArray[Any]

_known = lru_cache(maxsize=24)(symbols)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is left of one layer; errors are those of weights whose batch norms are folded."""

    sparsity: float
    """Fraction of the weights that are gone."""
    energy: float
    """Fraction of the sum of squares that went with them."""
    mse: float
    """Mean square error of all weights, pruning included."""
    sqnr_db: float
    """Signal over error power; infinite where nothing changed."""
    entropy: float
    """Shannon's entropy of the codes, bits per weight."""
    packed_bytes: int
    """Estimate: entropy and scales; other values of the layer not counted."""


def answer(layer: LayerSketch, how: Quantize, bits: int, gone: float) -> Answer | None:
    """
    Return what is left when the *gone* smallest weights are, and the others are rounded.

    None where the sketch cannot tell: what other layers or samples of data decide (evened ranges,
    learned rounding); and of large layers, grids that all weights decide, or 16 bits of values that
    come in steps. How many bytes these take, `sketch_curve` estimates.
    """
    if bits == FLOAT:
        entropy = float(float_curve(layer).bits_at(gone)) / layer.count
        return _answer(layer, gone, _lost(layer, gone), entropy, 0)
    if how.equalize or how.rounding == "learned":
        return None
    if layer.whole:
        return _rounded(layer, how, bits, round(gone))
    found = _from_cells(layer, how, bits, gone)
    if found is None:
        return None
    rest, entropy = found
    return _answer(
        layer, gone, rest + _lost(layer, gone), entropy, parameter_bytes(layer, how, bits)
    )


def _rounded(layer: LayerSketch, how: Quantize, bits: int, gone: int) -> Answer:
    """Fit a grid to what is left of a layer that was kept, and round it."""
    folded = torch.from_numpy(layer.folded)
    kept = drop_lowest(torch.from_numpy(layer.weights).abs(), gone)
    left = torch.where(kept, folded, 0.0)
    grid = weight_grid(left, replace(how, weight_bits=bits))
    codes = grid.encode(left)
    counts = np.bincount(codes.ravel().numpy().astype(np.int32) - int(codes.min()))
    mse = float((grid.decode(codes) - folded).double().square().mean())
    entropy = float(np.log2(layer.count)) - float(mass(counts).sum()) / layer.count
    parameters = sum(value.nbytes for value in grid.parameters().values())
    return _answer(layer, gone, mse, entropy, parameters)


def _from_cells(
    layer: LayerSketch, how: Quantize, bits: int, gone: float
) -> tuple[float, float] | None:
    """Return the error of what is kept, over all weights, and the entropy; None if not known."""
    found = _known(layer, how, bits)
    if found is None or gone > found.most:
        return None
    # A cell that the threshold passes through loses the part that is smaller.
    margin = float(layer.threshold(gone)) - found.sizes
    kept = 1 - np.clip((margin / np.maximum(found.spreads, 1e-30) + 1) / 2, 0, 1)
    rest = float(_left_by_size(found, kept) @ found.noise)
    codes = found.codes.astype(np.int64)
    low = int(min(codes.min(), found.zero))
    amounts = np.bincount(codes - low, kept * found.counts, minlength=found.zero - low + 1)
    amounts[found.zero - low] = 0
    zeros = layer.count - amounts.sum()
    spreads = found.codes_in(np.arange(low, low + len(amounts)))
    inside = float(mass(amounts, spreads).sum() + mass(zeros))
    return rest / layer.count, max(0.0, float(np.log2(layer.count)) - inside / layer.count)


def _left_by_size(found: Symbols, kept: Array) -> Array:
    """Return which part of the squares of |w| the *kept* part of each cell has."""
    # In a cell all weights are the same part of the largest of their row: so are errors of |w|.
    middle, margin = found.sizes.astype(np.float64), found.spreads.astype(np.float64)
    margin = np.minimum(margin, middle)
    high, low = middle + margin, middle - margin
    whole, left = high**3 - low**3, high**3 - (high - 2 * kept * margin) ** 3
    part: Array = np.where(whole > 1e-6 * high**3, left / np.maximum(whole, 1e-300), kept)
    return part


def _lost(layer: LayerSketch, gone: float) -> float:
    """Return the mean over all weights of the squares that went, batch norms folded."""
    if layer.whole:
        away = ~drop_lowest(torch.from_numpy(layer.weights).abs(), round(gone))
        return float(np.square(layer.folded[away.numpy()], dtype=np.float64).sum()) / layer.count
    return float(np.interp(gone, *_squares(layer))) / layer.count


@lru_cache(maxsize=128)
def _squares(layer: LayerSketch) -> tuple[Array, Array]:
    """Return how many weights are gone and the sum of squares that went, batch norms folded."""
    assert isinstance(layer.order, Bins)
    if (np.abs(layer.factors) == 1).all() or "per_tensor" not in layer.cells:
        return layer.order.below, layer.order.energy_below
    # Its classes are of rows with like factors.
    cells = layer.cells["per_tensor"]
    return before(cells.counts), before(cells.squares)


def _signal(layer: LayerSketch) -> float:
    if layer.whole:
        return float(np.square(layer.folded, dtype=np.float64).mean())
    return float(_squares(layer)[1][-1]) / layer.count


def _answer(layer: LayerSketch, gone: float, mse: float, entropy: float, parameters: int) -> Answer:
    signal = _signal(layer)
    return Answer(
        sparsity=gone / layer.count,
        energy=float(layer.energy(gone)) / (layer.order.total_energy or 1.0),
        mse=mse,
        sqnr_db=10 * log10(signal / mse) if mse and signal else inf,
        entropy=entropy,
        packed_bytes=ceil(entropy * layer.count / 8 + parameters),
    )
