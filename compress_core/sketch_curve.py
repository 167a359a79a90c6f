"""
Entropy of a layer at every sparsity at once, for one grid.

Of a large layer its cells tell it, for all grids that the ends of rows make and for codebooks. Of
grids that are searched for some of its rows do: how much more these take than with a simpler grid
is added to what that takes.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_codebook import of_codebook
from compress_core.sketch_frame import Frame
from compress_core.sketch_mass import after, before, mass, rises
from compress_core.sketch_order import MANTISSA, Bins, Points
from compress_core.sketch_sample import bits_at, sample
from compress_core.sketch_symbols import amounts_of, bits_of, cells_of, cut_of, most, told

Array = NDArray[Any]

FLOAT = 32
"""Bits of weights that are not rounded."""
POSITIONS: Array = np.unique(
    np.concatenate([np.linspace(0, 1, 61), 1 - np.logspace(-4, -1, 31), np.logspace(-4, -2, 5)])
)
"""Shares of gone weights at which a curve is taken."""
SPARSE: Array = np.array(
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.995, 1]
)
"""Shares at which codebooks are found in the cells of a large layer."""
ANCHORS: Array = np.array([0.0, 0.4, 0.7, 0.9, 0.97, 0.99])
"""Shares at which a grid is fitted that depends on all that is kept."""
MOVES: Array = np.array([0.0, 0.5, 0.7, 0.85, 0.95, 0.98])
"""Shares at which one is fitted that depends on the smaller ends of rows."""
BETWEEN = (5, 7)
"""Bits that take the mean of one less and one more, of grids that are costly to fit."""
MANY, FEW = 1 << 18, 1 << 12
"""Weights of a sample that is rounded once, and at least of one that grids are fitted to."""
PART = 8
"""How many times fewer these are in large layers."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Curve:
    """Bits of entropy (of all weights together, codes counted from zero) over what is gone."""

    gone: Array
    """Number of weights, ascending."""
    bits: Array

    def bits_at(self, gone: float | Array) -> Array:
        """Return the entropy of all codes, in bits; nan where it is not known."""
        return np.asarray(np.interp(gone, self.gone, self.bits, right=np.nan))


@lru_cache(maxsize=1024)
def curve(layer: LayerSketch, how: Quantize, bits: int) -> Curve | None:
    """
    Return what *bits* do to a layer at every sparsity.

    None where what other layers or samples of data decide is rounded (evened ranges, learned
    rounding). It takes as long as bins and sample are large, once; asking it takes microseconds.
    """
    if bits == FLOAT:
        return float_curve(layer)
    if how.equalize or how.rounding == "learned":
        return None
    frame = told(layer, how, bits)
    if frame is not None:
        gone, amounts = _amounts(layer, frame)
        return Curve(gone=gone, bits=bits_of(layer, frame, bits, amounts))
    if _steady(how):
        return _rounded_once(layer, how, bits)
    return _fitted_anew(layer, how, bits)


def _rounded_once(layer: LayerSketch, how: Quantize, bits: int) -> Curve:
    """Round a layer, or a sample of it, to a grid that stays the same while weights go."""
    gone = layer.gone(layer.threshold(POSITIONS * layer.count))
    found = bits_at(sample(layer, MANY), how, bits, POSITIONS, _starts(how))
    return Curve(gone=gone, bits=np.maximum(found, 0))


def _starts(how: Quantize) -> Array:
    """Return the shares at which a grid is fitted; affine ones move where ends of rows go."""
    if not _steady(how):
        return ANCHORS
    return MOVES if affine(how) else ANCHORS[:1]


def _fitted_anew(layer: LayerSketch, how: Quantize, bits: int) -> Curve:
    """Add to what a simpler grid takes how much more it is for *how*: that changes slowly."""
    grid = "linear" if how.grid == "codebook" else how.grid
    known = replace(how, calibration="minmax", grid=grid)
    reference = curve(layer, known, bits)
    assert reference is not None
    if how.grid == "codebook" and not layer.whole:
        shares, more = (
            SPARSE,
            _of_codebooks(layer, how, bits) - reference.bits_at(SPARSE * layer.count),
        )
    else:
        near = (bits - 1, bits + 1) if bits in BETWEEN else (bits,)
        differences = [_taken(layer, how, each) - _taken(layer, known, each) for each in near]
        # Where all is gone no grid is left to differ.
        shares, more = np.append(ANCHORS, 1), np.append(np.mean(differences, 0), 0)
    added = np.interp(reference.gone, shares * layer.count, more)
    return Curve(gone=reference.gone, bits=np.maximum(reference.bits + added, 0))


def _of_codebooks(layer: LayerSketch, how: Quantize, bits: int) -> Array:
    """Return the bits of a large layer at each of the SPARSE shares."""
    gone = np.rint(SPARSE * layer.count)
    return np.array([layer.count * of_codebook(layer, how, bits, each)[1] for each in gone])


@lru_cache(maxsize=1024)
def _taken(layer: LayerSketch, how: Quantize, bits: int) -> Array:
    """Return the bits of a layer at each of the anchors, by a sample of it."""
    few = max(FEW, min(MANY, layer.count) // PART)
    return bits_at(sample(layer, few), how, bits, ANCHORS, _starts(how))


def parameter_bytes(layer: LayerSketch, how: Quantize, bits: int) -> int:
    """Return what the scales, zero points and levels of a layer's grid take."""
    rows = layer.shape[0]
    by_granularity = {
        "per_tensor": 1,
        "per_channel": rows,
        "per_group": rows * -(-layer.count // rows // how.group_size),
    }
    scales = by_granularity[how.granularity]
    if how.grid == "codebook":
        return 4 * (scales + (1 << bits))
    return scales * (6 if affine(how) else 4)


def _steady(how: Quantize) -> bool:
    """Tell whether the largest weights of a row alone make its grid, whatever else is gone."""
    return how.calibration in ("minmax", "percentile") and how.grid != "codebook"


def affine(how: Quantize) -> bool:
    """Tell whether rows have zero points."""
    return how.grid == "linear" and how.scheme == "affine"


@lru_cache(maxsize=128)
def _amounts(layer: LayerSketch, frame: Frame) -> tuple[Array, Array]:
    """Return how many weights are kept at each place (positions x places), whatever the bits."""
    gone = POSITIONS[POSITIONS * layer.count <= most(layer, frame)] * layer.count
    found = cells_of(layer, frame)
    kept = [amounts_of(frame, found, cut_of(layer, found, each)) for each in gone]
    return gone, np.stack(kept)


@lru_cache(maxsize=128)
def float_curve(layer: LayerSketch) -> Curve:
    """Take values that are kept as they are: each of their bytes, and which ones are kept."""
    if isinstance(layer.order, Bins):
        return _float_curve_of_bins(layer, layer.order)
    return _float_curve_of_points(layer.order)


def _float_curve_of_points(order: Points) -> Curve:
    gone = np.unique((POSITIONS * order.count).astype(np.int64))
    kept = order.count - gone
    bits = _which(order.count, kept)
    planes = (order.keys >> 1 | order.keys << 31).view(np.uint8).reshape(-1, 4)
    begin = np.repeat(np.arange(len(gone)) * 256, np.diff(gone, append=order.count))
    for plane in planes.T:
        seen = np.bincount(begin + plane, minlength=256 * len(gone)).reshape(-1, 256)
        bits = bits + mass(kept) - mass(seen[::-1].cumsum(0)[::-1]).sum(1)
    return Curve(gone=gone, bits=bits)


def _float_curve_of_bins(layer: LayerSketch, order: Bins) -> Curve:
    """Do the same from bins, which tell the two upper bytes; the lower two are as in all."""
    assert layer.bytes_seen is not None
    keys = np.repeat(order.low.view(np.int32) >> 23 - MANTISSA, 2)
    negative = np.tile([1, 0], len(order.low))
    counts = np.stack([order.negative, order.counts - order.negative], 1).ravel()
    kept = layer.count - before(counts)
    bits = _which(layer.count, kept)
    for plane in (negative << 7 | keys >> MANTISSA + 1, keys >> MANTISSA - 7 & 255):
        bits = bits + mass(kept) - after(rises(plane.astype(np.int16), counts))
    zeros = after(np.where(keys == 0, counts, 0))
    others = kept - zeros
    for seen in layer.bytes_seen:
        shares = seen / max(1, seen.sum())
        none = others * shares[0]
        even = others * float(mass(shares).sum()) + mass(others)
        bits = bits + mass(kept) - even + mass(none) - mass(none + zeros)
    return _at_positions(layer, before(counts), bits, layer.count)


def _which(count: int, kept: Array) -> Array:
    """Return the bits that it takes to say which weights are kept."""
    bits: Array = mass(count) - mass(kept) - mass(count - kept)
    return bits


def _at_positions(layer: LayerSketch, gone: Array, bits: Array, most: float) -> Curve:
    inside = POSITIONS[POSITIONS * layer.count <= most]
    at = np.unique(np.minimum(np.searchsorted(gone, inside * layer.count), len(gone) - 1))
    at = at[gone[at] <= most]
    return Curve(gone=gone[at], bits=bits[at])
