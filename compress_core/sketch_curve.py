"""
Error and entropy of a layer for one grid: at one sparsity (`answer`), or at all at once (`curve`).

Even steps over the whole range need no weight for it. Grids that all that is kept decides together
(clipped and fitted ranges, codebooks) are fitted anew to a layer small enough that its weights were
kept; of a larger one they are not foreseen, and None is said. See `symbols`.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, inf, log10
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_layer import MANTISSA
from compress_core.sketch_mass import after, before, mass, rises
from compress_core.sketch_symbols import Symbols, symbols

Array = NDArray[Any]

FLOAT = 32
"""Bits of weights that are not rounded."""
POSITIONS: Array = np.unique(
    np.concatenate([np.linspace(0, 1, 161), 1 - np.logspace(-4, -1, 61), np.logspace(-4, -2, 9)])
)
"""Shares of gone weights at which a curve is taken."""
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

    None where the sketch cannot tell: what other layers or samples decide (evened ranges, learned
    rounding), and of large layers what only all their weights would.
    """
    if bits == FLOAT:
        return _unrounded(layer, gone)
    found = _known(layer, how, bits)
    if found is None or gone > found.most:
        return _rounded_anew(layer, how, bits, gone)
    first, part = _place(found, gone)
    kept = found.counts[first:].astype(np.float64)
    noise = float(found.noise[first:].sum())
    if part:
        kept[0] *= 1 - part
        noise -= part * float(found.noise[first])
    lost = float(np.interp(gone, *_lost(layer)))
    codes = found.codes[first:].astype(np.int64)
    low = int(min(codes.min(initial=found.zero), found.zero))
    amounts = np.bincount(codes - low, kept, minlength=found.zero - low + 1)
    zeros = amounts[found.zero - low] + gone
    amounts[found.zero - low] = 0
    spreads = found.spreads(np.arange(low, low + len(amounts)))
    inside = float(mass(amounts, spreads).sum() + mass(zeros))
    entropy = max(0.0, float(np.log2(layer.count)) - inside / layer.count)
    mse, signal = (noise + lost) / layer.count, float(found.signal.sum()) / layer.count
    return _answer(layer, gone, mse, signal, entropy, scales(layer, how))


def _rounded_anew(layer: LayerSketch, how: Quantize, bits: int, gone: float) -> Answer | None:
    """Fit a grid to what is left of a layer that was kept, and round it."""
    if layer.weights is None or how.equalize or how.rounding == "learned":
        return None
    kept = np.ones(layer.count, bool)
    kept[layer.order[: round(gone)]] = False
    folded = torch.from_numpy(layer.folded)
    left = torch.where(torch.from_numpy(kept.reshape(folded.shape)), folded, 0.0)
    grid = weight_grid(left, replace(how, weight_bits=bits))
    codes = grid.encode(left)
    counts = np.bincount(codes.long().ravel().numpy() - int(codes.min()))
    return _answer(
        layer, gone,
        mse=float((grid.decode(codes) - folded).double().square().mean()),
        signal=float(folded.double().square().mean()),
        entropy=float(np.log2(layer.count)) - float(mass(counts).sum()) / layer.count,
        values=sum(value.nbytes for value in grid.parameters().values()) / 4,
    )  # fmt: skip


def _unrounded(layer: LayerSketch, gone: float) -> Answer:
    found = float_curve(layer)
    entropy = float(found.bits_at(gone)) / layer.count
    return _answer(layer, gone, float(found.mse_at(gone)), float(found.mse[-1]), entropy, 0)


def _answer(
    layer: LayerSketch, gone: float, mse: float, signal: float, entropy: float, values: float
) -> Answer:
    return Answer(
        sparsity=gone / layer.count,
        energy=float(layer.energy(gone)) / (float(layer.energy_below[-1]) or 1.0),
        mse=mse,
        sqnr_db=10 * log10(signal / mse) if mse and signal else inf,
        entropy=entropy,
        packed_bytes=ceil(entropy * layer.count / 8 + 4 * values),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Curve:
    """Bits of entropy (of all weights together) and mean square error over what is gone."""

    gone: Array
    """Number of weights, ascending."""
    bits: Array
    mse: Array

    def bits_at(self, gone: float | Array) -> Array:
        """Return the entropy of all codes of the layer, in bits; nan where it is not known."""
        return np.asarray(np.interp(gone, self.gone, self.bits, right=np.nan))

    def mse_at(self, gone: float | Array) -> Array:
        """Return the mean square error, pruning included; nan where it is not known."""
        return np.asarray(np.interp(gone, self.gone, self.mse, right=np.nan))


@lru_cache(maxsize=1024)
def curve(layer: LayerSketch, how: Quantize, bits: int) -> Curve | None:
    """
    Return what *bits* do to a layer at every sparsity, or None where the sketch cannot tell.

    It takes as long as the bins are many, once; asking the curve takes microseconds.
    """
    if bits == FLOAT:
        return float_curve(layer)
    found = symbols(layer, how, bits)
    return None if found is None else _curve(layer, found)


def scales(layer: LayerSketch, how: Quantize) -> int:
    """Return how many scales the grid of a layer has."""
    rows = layer.shape[0]
    by_granularity = {
        "per_tensor": 1,
        "per_channel": rows,
        "per_group": rows * -(-layer.count // rows // how.group_size),
    }
    return by_granularity[how.granularity]


def _place(found: Symbols, gone: float) -> tuple[int, float]:
    """Return the first part that is kept, and how much of it is gone."""
    below = np.cumsum(found.counts)
    first = int(np.searchsorted(below, gone, side="right"))
    if first == len(below):
        return first, 0.0
    return first, float((gone - below[first]) / found.counts[first] + 1)


def _curve(layer: LayerSketch, found: Symbols) -> Curve:
    nonzero = found.codes != found.zero
    rising = rises(found.codes, found.counts, found.spreads(found.codes))
    zeros = layer.count - after(np.where(nonzero, found.counts, 0))
    bits = layer.count * np.log2(layer.count)
    bits = bits - after(np.where(nonzero, rising, 0.0)) - mass(zeros)
    gone = before(found.counts)
    mse = (after(found.noise) + np.interp(gone, *_lost(layer))) / layer.count
    return _at_positions(layer, gone, bits, mse, found.most)


@lru_cache(maxsize=128)
def _lost(layer: LayerSketch) -> tuple[Array, Array]:
    """Return how many weights are gone and the sum of squares that went, batch norms folded."""
    if layer.weights is not None:
        folded = np.square(layer.folded.ravel().astype(np.float64))
        return layer.below, before(folded[layer.order])
    if (np.abs(layer.factors) == 1).all() or "per_tensor" not in layer.cells:
        return layer.below, layer.energy_below
    # Its classes are of rows with like factors.
    cells = layer.cells["per_tensor"]
    return before(cells.counts), before(cells.squares)


@lru_cache(maxsize=128)
def float_curve(layer: LayerSketch) -> Curve:
    """Take values that are kept as they are: each of their bytes, and which ones are kept."""
    if layer.weights is None:
        return _float_curve_of_bins(layer)
    planes = layer.weights.ravel()[layer.order].view(np.uint8).reshape(-1, 4)
    kept = layer.count - layer.below
    bits = _which(layer.count, kept)
    for plane in planes.T:
        bits = bits + mass(kept) - after(rises(plane, layer.counts))
    return _unrounded_curve(layer, layer.below, bits)


def _float_curve_of_bins(layer: LayerSketch) -> Curve:
    """Do the same from bins, which tell the two upper bytes; the lower two are as in all."""
    assert layer.bytes_seen is not None
    keys = np.repeat(layer.low.view(np.int32) >> 23 - MANTISSA, 2)
    negative = np.tile([1, 0], len(layer.low))
    counts = np.stack([layer.negative, layer.counts - layer.negative], 1).ravel()
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
    return _unrounded_curve(layer, before(counts), bits)


def _unrounded_curve(layer: LayerSketch, gone: Array, bits: Array) -> Curve:
    mse = np.interp(gone, *_lost(layer)) / layer.count
    return _at_positions(layer, gone, bits, mse, layer.count)


def _which(count: int, kept: Array) -> Array:
    """Return the bits that it takes to say which weights are kept."""
    bits: Array = mass(count) - mass(kept) - mass(count - kept)
    return bits


def _at_positions(layer: LayerSketch, gone: Array, bits: Array, mse: Array, most: float) -> Curve:
    inside = POSITIONS[POSITIONS * layer.count <= most]
    at = np.unique(np.minimum(np.searchsorted(gone, inside * layer.count), len(gone) - 1))
    at = at[gone[at] <= most]
    return Curve(gone=gone[at], bits=bits[at], mse=mse[at])
