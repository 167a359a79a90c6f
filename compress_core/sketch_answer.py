"""
Error and entropy of a layer at one sparsity and for one grid, as rounding its weights would tell.

Cells tell it of many weights for all grids that the ends of rows make, and a codebook is found from
cells as well. Few weights are rounded again for it; so are many for what cells cannot tell (ranges
searched for the least error or divergence), which takes as long as compressing the layer: seconds
for millions of weights. Nothing that is dragged waits for that: see `sketch_curve`.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, inf, log10
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compress_core.grids import from_zero
from compress_core.masks import drop_lowest
from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_codebook import of_codebook
from compress_core.sketch_curve import FLOAT, float_curve, parameter_bytes
from compress_core.sketch_mass import mass
from compress_core.sketch_order import Bins
from compress_core.sketch_symbols import (
    amounts_of,
    bits_of,
    cells_of,
    cut_of,
    error_of,
    most,
    told,
)

Array = NDArray[Any]


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

    None where what other layers or samples of data decide is rounded (evened ranges, learned
    rounding). Codes of affine grids are counted from the zero of their row, as files do.
    """
    if bits == FLOAT:
        entropy = float(float_curve(layer).bits_at(gone)) / layer.count
        return _answer(layer, gone, _lost(layer, gone), entropy, 0)
    if how.equalize or how.rounding == "learned":
        return None
    found = None if layer.whole else _told(layer, how, bits, gone)
    mse, entropy = found or _rounded(layer, how, bits, round(gone))
    return _answer(layer, gone, mse, entropy, parameter_bytes(layer, how, bits))


def _told(layer: LayerSketch, how: Quantize, bits: int, gone: float) -> tuple[float, float] | None:
    """Return error and entropy of a large layer, None where weights have to be looked at again."""
    if how.grid == "codebook":
        if how.granularity == "per_tensor":
            # The few largest weights of all decide much, and the rows that cells join no less.
            return None
        rest, entropy = of_codebook(layer, how, bits, gone)
    else:
        frame = told(layer, how, bits)
        if frame is None or gone > most(layer, frame):
            return None
        found = cells_of(layer, frame)
        cut = cut_of(layer, found, gone)
        rest = error_of(layer, frame, bits, cut) / layer.count
        taken = bits_of(layer, frame, bits, amounts_of(frame, found, cut))
        entropy = float(taken) / layer.count
    return rest + _lost(layer, gone), entropy


@lru_cache(maxsize=1024)
def _rounded(layer: LayerSketch, how: Quantize, bits: int, gone: int) -> tuple[float, float]:
    """Fit a grid to what is left of a layer, and round it: error and entropy."""
    folded = torch.from_numpy(layer.folded)
    kept = drop_lowest(torch.from_numpy(layer.weights).abs(), gone)
    left = torch.where(kept, folded, 0.0)
    grid = weight_grid(left, replace(how, weight_bits=bits))
    codes = grid.encode(left)
    mse = float((grid.decode(codes) - folded).double().square().mean())
    counted = from_zero(grid, codes).ravel()
    counts = np.bincount((counted - counted.min()).numpy())
    return mse, float(np.log2(layer.count)) - float(mass(counts).sum()) / layer.count


def _lost(layer: LayerSketch, gone: float) -> float:
    """Return the mean over all weights of the squares that went, batch norms folded."""
    if isinstance(layer.order, Bins):
        assert layer.folded_below is not None
        return float(np.interp(gone, layer.order.below, layer.folded_below)) / layer.count
    away = ~drop_lowest(torch.from_numpy(layer.weights).abs(), round(gone))
    return float(np.square(layer.folded[away.numpy()], dtype=np.float64).sum()) / layer.count


@lru_cache(maxsize=128)
def _signal(layer: LayerSketch) -> float:
    """Return the mean square of all weights, batch norms folded."""
    return _lost(layer, layer.count)


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
