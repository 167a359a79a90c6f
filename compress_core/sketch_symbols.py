"""
From cells to codes: what every part of a large layer becomes when it is kept.

A grid that the ends of rows make does not depend on what is gone as long as these are kept; so
codes are found once for all thresholds. Cells as fine as those of 9 or 10 bits stand for many codes
of finer grids, all as likely.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_cells import Cells, cells
from compress_core.sketch_frame import FINEST, GROUP, Frame
from compress_core.sketch_mass import after, mass

Array = NDArray[Any]

STOPS = 32
"""Places among cells, evenly apart, behind which amounts are known."""
FEW = 1 << 14
"""Fewer weights than this are rounded sooner than they are counted in cells."""


def frame_of(how: Quantize) -> Frame | None:
    """Return what rows are scaled by for such grids; None where what is kept decides it."""
    if how.grid != "codebook" and how.calibration not in ("minmax", "percentile"):
        return None
    return Frame(
        kind=how.scheme if how.grid == "linear" else how.grid,
        granularity=how.granularity,
        group_size=how.group_size if how.granularity == "per_group" else GROUP,
        percentile=how.calibration == "percentile" and how.grid != "codebook",
    )


@lru_cache(maxsize=128)
def cells_of(layer: LayerSketch, frame: Frame) -> Cells:
    """Return the cells of a layer: made for others than the usual grids when first asked for."""
    found = layer.cells.get(frame)
    return cells(layer.weights, layer.factors, frame) if found is None else found


def told(layer: LayerSketch, how: Quantize, bits: int) -> Frame | None:
    """Return the frame in which cells tell a layer's codes, None where they do not."""
    frame = frame_of(how)
    if layer.count < FEW or frame is None or frame.kind == "codebook":
        return None
    # Values that come in steps have fewer codes than there are.
    return frame if layer.smooth or not frame.finer(bits) else None


def most(layer: LayerSketch, frame: Frame) -> float:
    """Return how many weights may be gone before the grid is another one."""
    until = cells_of(layer, frame).until
    return float(layer.count if until == inf else layer.gone(until))


@dataclass(frozen=True, eq=False, slots=True)
class Cut:
    """The cells from *start* to *stop* that a threshold may pass through: it keeps all the others
    behind them, and none before."""

    start: int
    stop: int
    kept: Array
    """Which part of each of them is kept."""

    def of_all(self, cells: int) -> Array:
        """Return the same of all *cells*."""
        none, whole = np.zeros(self.start, np.float32), np.ones(cells - self.stop, np.float32)
        return np.concatenate([none, self.kept, whole])


def cut_of(layer: LayerSketch, found: Cells, gone: float) -> Cut:
    """Return which part of each is kept: where the threshold passes through, what is not below."""
    threshold, (reach, behind) = np.float32(layer.threshold(gone)), _beyond(found)
    ends = (threshold - reach, threshold + reach)
    start, stop = (int(end) for end in np.searchsorted(found.sizes, np.array(ends, np.float32)))
    sizes, spreads = found.sizes[start:stop], found.spreads[start:stop]
    margin = threshold - sizes
    kept: Array = 1 - np.clip((margin / np.maximum(spreads, 1e-30) + 1) / 2, 0, 1)
    # Inside, weights are not quite even; how many are kept of all is known.
    cut = (kept > 0) & (kept < 1)
    amounts = kept * np.where(sizes > 0, found.counts[start:stop], 0)
    zeros = float(layer.gone(float(np.finfo(np.float32).tiny)))
    whole = float(amounts.sum(dtype=np.float64)) + behind[stop]
    missing = layer.count - max(gone, zeros) - whole
    inside = float(amounts[cut].sum(dtype=np.float64))
    kept[cut] *= np.clip(1 + missing / max(inside, 1.0), 0.5, 1.5)
    return Cut(start, stop, kept)


@lru_cache(maxsize=128)
def _beyond(found: Cells) -> tuple[np.float32, Array]:
    """Return how far a threshold may be from cells it passes, and how many weights lie behind."""
    reach = found.spreads.max() * np.float32(1.0001) + np.finfo(np.float32).tiny
    return reach, after(np.where(found.sizes > 0, found.counts, 0))


def amounts_of(frame: Frame, found: Cells, cut: Cut) -> Array:
    """Return how many weights are kept at each place, from the lowest to the highest."""
    known = _amounts_behind(frame, found)
    step = -(-len(found.counts) // STOPS)
    nearest = -(-cut.stop // step)
    until = min(nearest * step, len(found.counts))
    counts = found.counts[cut.start : until].astype(np.float64)
    counts[: len(cut.kept)] *= cut.kept
    middle = len(frame.borders.edges) - 1
    places = found.place[cut.start : until] + middle
    here = np.bincount(places, counts, minlength=2 * middle + 1)
    return here + known[nearest] if nearest < len(known) else here


@lru_cache(maxsize=128)
def _amounts_behind(frame: Frame, found: Cells) -> Array:
    """Return the amounts at each place of all cells behind every stop: stops x places."""
    middle = len(frame.borders.edges) - 1
    step = -(-len(found.counts) // STOPS)
    starts = range(0, len(found.counts), step)
    parts = [
        np.bincount(found.place[i : i + step] + middle, found.counts[i : i + step], 2 * middle + 1)
        for i in starts
    ]
    return np.cumsum(parts[::-1], axis=0)[::-1]


@lru_cache(maxsize=256)
def _noise(layer: LayerSketch, frame: Frame, bits: int) -> tuple[Array, Array]:
    """Return the sum of squared rounding errors of each cell, and of all from each on."""
    noise = _noise_inside(layer, frame, bits)
    return noise, after(noise)


def _noise_inside(layer: LayerSketch, frame: Frame, bits: int) -> Array:
    found = cells_of(layer, frame)
    if frame.finer(bits):
        # Anywhere in a step, but none at zero and at the ends.
        inner = (found.place != 0) & (abs(frame.codes(bits)[found.place]) < FINEST)
        return np.where(inner, found.tops / (12 * frame.steps(bits) ** 2), 0)
    values = np.append(0, frame.positive(bits))
    codes = frame.codes(bits)[found.place]
    share = values[np.abs(codes)] * np.sign(codes)
    noise: Array = found.squares - share * (2 * found.products - share * found.tops)
    return noise


def error_of(layer: LayerSketch, frame: Frame, bits: int, cut: Cut) -> float:
    """Return the sum of squared rounding errors of what is kept."""
    noise, behind = _noise(layer, frame, bits)
    # Of one unit for all, every weight in a cell has the same error.
    shared = frame.granularity == "per_tensor"
    part = cut.kept if shared else left_by_size(cells_of(layer, frame), cut)
    # Not as a product of vectors, for which BLAS would wake up all cores.
    return float((part * noise[cut.start : cut.stop]).sum() + behind[cut.stop])


def bits_of(layer: LayerSketch, frame: Frame, bits: int, amounts: Array) -> Array:
    """Return the entropy of all codes together, in bits, with so many weights at each place."""
    starts, codes, at_zero = _runs(frame, bits)
    found = np.maximum(np.add.reduceat(amounts, starts, -1), 0)
    found[..., at_zero] = 0
    zeros = np.maximum(layer.count - found.sum(-1), 0)
    spread: Any = 1.0
    if frame.finer(bits):
        spread = np.where(abs(codes) < FINEST, frame.steps(bits) / FINEST, 1.0)
        spread[codes == 0] /= 2  # on both sides of zero
    inside = mass(found, spread).sum(-1) + mass(zeros)
    taken: Array = np.maximum(mass(layer.count) - inside, 0)
    return taken


@lru_cache(maxsize=256)
def _runs(frame: Frame, bits: int) -> tuple[Array, Array, Array]:
    """Return where places of one code begin, that code, and whether it is zero."""
    middle = len(frame.borders.edges) - 1
    codes = frame.codes(bits)[np.arange(-middle, middle + 1)]
    zero = (np.arange(len(codes)) == middle) if frame.finer(bits) else codes == 0
    groups = np.where(zero, FINEST + 1, codes)
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    return starts, codes[starts], zero[starts]


def left_by_size(found: Cells, cut: Cut) -> Array:
    """Return which part of the squares of |w| is left in the cells of a cut."""
    sizes, spreads = (each[cut.start : cut.stop] for each in (found.sizes, found.spreads))
    inner = (cut.kept > 0) & (cut.kept < 1) & (spreads > 1e-6 * sizes)
    part = cut.kept.astype(np.float64)
    # In a cell all weights are the same part of the largest of their row: so are errors of |w|.
    middle, margin = (each[inner].astype(np.float64) for each in (sizes, spreads))
    margin = np.minimum(margin, middle)
    high, low = middle + margin, middle - margin
    part[inner] = (high**3 - (high - 2 * part[inner] * margin) ** 3) / (high**3 - low**3)
    return part
