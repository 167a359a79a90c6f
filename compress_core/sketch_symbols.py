"""
From cells to codes: what every part of a large layer becomes when it is kept.

A symmetric grid does not depend on what is gone as long as the largest weights are kept, since
they alone make it; so codes are found once for all thresholds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    sizes: Array
    """Mean |w|, before batch norms are folded."""
    spreads: Array
    """How far |w| lies to both sides of it."""
    zero: int
    """The code of what is gone."""
    most: float
    """Codes are these while no more weights than this are gone."""
    inside: float = 1.0
    """Codes that one symbol stands for, all as likely, where the sketch is coarser than they."""
    alone: int = 0
    """Symbols of at least this magnitude stand for one code all the same."""

    def codes_in(self, codes: Array) -> Any:
        """Return how many codes each of these symbols stands for."""
        return 1.0 if self.inside == 1.0 else np.where(abs(codes) >= self.alone, 1.0, self.inside)


def symbols(layer: LayerSketch, how: Quantize, bits: int) -> Symbols | None:
    """Return the codes of a layer's parts, or None where it has no cells for such a grid."""
    found = layer.cells.get(how.granularity)
    other_groups = how.granularity == "per_group" and how.group_size != GROUP
    too_fine = bits > FINEST and not layer.smooth
    other_grid = (how.grid, how.scheme, how.calibration) != ("linear", "symmetric", "minmax")
    if found is None or other_groups or too_fine or other_grid:
        return None
    return _of_cells(found, bits, _top(layer) if how.granularity == "per_tensor" else layer.count)


def usual(how: Quantize) -> Quantize:
    """Return the kind of grid that cells are made for, with the granularity of *how*."""
    return Quantize(granularity=how.granularity, group_size=GROUP)


def _top(layer: LayerSketch) -> float:
    """Return how many weights are smaller than the one that is largest once folded."""
    largest = layer.largest
    return float(layer.gone(largest[(np.abs(layer.factors) * largest).argmax()]))


def _of_cells(cells: Cells, bits: int, most: float) -> Symbols:
    half, finest = 2 ** (bits - 1) - 1, 2 ** (FINEST - 1) - 1
    codes = codes_of(cells.place, min(bits, FINEST))
    if bits <= FINEST:
        share = codes / half
        noise = cells.squares - share * (2 * cells.products - share * cells.tops)
        return Symbols(
            codes=codes.astype(np.int16), counts=cells.counts, noise=np.maximum(noise, 0),
            sizes=cells.sizes, spreads=cells.spreads, zero=0, most=most,
        )  # fmt: skip
    # Finer than cells: the error is anywhere in a step, but none at zero and at the ends.
    zero = 1 << FINEST
    codes = np.where(cells.place == 0, zero, codes)
    return Symbols(
        codes=codes.astype(np.int16), counts=cells.counts,
        noise=np.where(abs(codes) >= finest, 0, cells.tops / (12 * half * half)),
        sizes=cells.sizes, spreads=cells.spreads,
        zero=zero, most=most, inside=half / finest, alone=finest,
    )  # fmt: skip
