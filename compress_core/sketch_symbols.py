"""
From bins and cells to codes: what every part of a sketch becomes when it is kept.

A symmetric grid does not depend on what is gone as long as the largest weights are kept, since
they alone make it; so codes are found once for all thresholds.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compress_core.grids import LinearGrid
from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_cells import FINEST, Cells, codes_of
from compress_core.sketch_layer import GROUP

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Symbols:
    """The parts of a layer, smallest |w| first, and the code of each."""

    codes: Array
    counts: Array
    noise: Array
    """Sum of squared rounding errors."""
    signal: Array
    """Sum of squares, batch norms folded."""
    zero: int
    """The code of what is gone."""
    most: float
    """Codes are these while no more weights than this are gone."""
    spread: float = 1.0
    """Codes that one symbol stands for, all as likely, where the sketch is coarser than they."""
    alone: int = 0
    """Symbols of at least this magnitude stand for one code all the same."""

    def spreads(self, codes: Array) -> Any:
        """Return how many codes each of these symbols stands for."""
        return 1.0 if self.spread == 1.0 else np.where(abs(codes) >= self.alone, 1.0, self.spread)


def symbols(layer: LayerSketch, how: Quantize, bits: int) -> Symbols | None:
    """Return the codes of a layer's parts, or None where they depend on everything that is kept."""
    moved = how.equalize or how.rounding == "learned"
    if moved or how.grid == "codebook" or how.calibration != "minmax" or how.scheme == "affine":
        return None
    if layer.weights is not None:
        return _of_weights(layer, how, bits)
    found = layer.cells.get(how.granularity)
    other_groups = how.granularity == "per_group" and how.group_size != GROUP
    too_fine = bits > FINEST and not layer.smooth
    # Powers of two round at borders that depend on each row's scale, which cells do not keep to.
    if found is None or other_groups or too_fine or how.grid != "linear":
        return None
    return _of_cells(found, bits, _top(layer) if how.granularity == "per_tensor" else layer.count)


def _of_weights(layer: LayerSketch, how: Quantize, bits: int) -> Symbols:
    weights = torch.from_numpy(layer.folded)
    grid = weight_grid(weights, replace(how, weight_bits=bits))
    codes = grid.encode(weights)
    order, flat = layer.order, layer.folded.ravel().astype(np.float64)
    noise = np.square(grid.decode(codes).numpy().ravel() - flat)
    return Symbols(
        codes=codes.numpy().ravel()[order], counts=layer.counts, noise=noise[order],
        signal=np.square(flat)[order],
        zero=0 if isinstance(grid, LinearGrid) else len(grid.levels) // 2,
        most=_top(layer) if how.granularity == "per_tensor" else layer.count,
    )  # fmt: skip


def _top(layer: LayerSketch) -> float:
    """Return how many weights are smaller than the one that is largest once folded."""
    largest = np.abs(layer.ends).max(1)
    return float(layer.gone(largest[(np.abs(layer.factors) * largest).argmax()]))


def _of_cells(cells: Cells, bits: int, most: float) -> Symbols:
    half, finest = 2 ** (bits - 1) - 1, 2 ** (FINEST - 1) - 1
    codes = codes_of(cells.place, min(bits, FINEST))
    if bits <= FINEST:
        share = codes / half
        noise = cells.squares - share * (2 * cells.products - share * cells.tops)
        return Symbols(
            codes=codes.astype(np.int16), counts=cells.counts, noise=np.maximum(noise, 0),
            signal=cells.squares, zero=0, most=most,
        )  # fmt: skip
    # Finer than cells: the error is anywhere in a step, but none at zero and at the ends.
    zero = 1 << FINEST
    codes = np.where(cells.place == 0, zero, codes)
    return Symbols(
        codes=codes.astype(np.int16), counts=cells.counts,
        noise=np.where(abs(codes) >= finest, 0, cells.tops / (12 * half * half)),
        signal=cells.squares, zero=zero, most=most, spread=half / finest, alone=finest,
    )  # fmt: skip
