"""
What a browser needs to show any threshold and any bits by itself, while a handle is dragged.

A few hundred numbers, whatever the size of the network; all of them come from its sketch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch, Sketch
from compress_core.sketch_curve import FLOAT, curve, parameter_bytes
from compress_core.sketch_order import Order

Array = NDArray[Any]
Rule = Literal["threshold", "share"]
Allocation = Literal["uniform", "global"]

BINS = 101
"""Odd, so that one bin is centred on zero."""
SHOWN = 0.999
"""Share of the weights that the range is cut to; the outermost bins hold those beyond."""
POSITIONS = 200
"""Where the handle stops."""
MODELLED = 9
"""Sign and leading bits that the packed file gives probabilities; finer ones are stored as is."""
MOST_LEVELS = 8
"""Bits of the largest codebook; with more, steps are even."""
MOST_LINES = 32
"""More values than this would be a grey area, not lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DragTable:
    """What changes while the handle moves, at every position it can take; sizes in bytes."""

    edges: tuple[float, ...]
    """Of the drawing bins, one more than there are counts; symmetric about zero."""
    counts: tuple[int, ...]
    """Weights of the layer (or of all layers) in each drawing bin; outliers in the outermost."""
    thresholds: tuple[float, ...]
    """|w| at each position of the handle, ascending from 0."""
    gone: tuple[float, ...]
    """Fraction of the weights drawn that is smaller, guard kept."""
    energy: tuple[float, ...]
    """Fraction of the sum of squares of the weights drawn that these carry."""
    gone_everywhere: tuple[float, ...]
    """Fraction of all weights of the network that goes with it."""
    bits: tuple[int, ...]
    """Choices; 32 is not rounded."""
    lines: tuple[tuple[float, ...], ...]
    """For each choice the values that the widest row may take; none where they are too many."""
    packed: tuple[tuple[int, ...] | None, ...]
    """For each choice the estimated bytes of the packed file at each position; None: unknown."""
    fp32_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain data."""
        return asdict(self)


def drag_table(
    sketch: Sketch,
    layer: str | None,
    rule: Rule,
    bits_choices: Sequence[int],
    how: Quantize,
    allocation: Allocation = "uniform",
) -> DragTable:
    """
    Return the table for a handle on the histogram of *layer*, or of all layers for None.

    A position means, by the rule "threshold", that threshold for all layers; by "share" with the
    allocation "uniform" that each layer loses the share *gone*, and with "global" that all weights
    ranked together lose the share *gone_everywhere*.
    """
    # Learned rounding picks neighbouring codes, which cost as much.
    how = replace(how, rounding="nearest")
    drawn = sketch.together if layer is None else sketch.layer(layer).order
    bound = float(drawn.threshold(max(1, round(SHOWN * drawn.count)) - 1)) or 1.0
    thresholds = np.linspace(0, bound, POSITIONS)
    by_size = rule == "threshold" or allocation == "global"
    gone = _gone_by_layer(sketch, thresholds, drawn.gone(thresholds) / drawn.count, by_size)
    everywhere = np.sum(list(gone.values()), axis=0) / sketch.count
    edges, counts = _drawing(drawn, bound)
    shown = [each for each in sketch.layers if layer in (None, each.name)]
    energy = np.sum([each.energy(gone[each.name]) for each in shown], axis=0)
    return DragTable(
        edges=edges,
        counts=counts,
        thresholds=tuple(thresholds.tolist()),
        gone=tuple((everywhere if layer is None else gone[layer] / drawn.count).tolist()),
        energy=tuple((energy / (drawn.total_energy or 1.0)).tolist()),
        gone_everywhere=tuple(everywhere.tolist()),
        bits=tuple(bits_choices),
        lines=tuple(_lines(sketch, layer, how, bits) for bits in bits_choices),
        packed=tuple(_packed(sketch, gone, how, bits) for bits in bits_choices),
        fp32_bytes=sketch.fp32_bytes,
    )


def _gone_by_layer(
    sketch: Sketch, thresholds: Array, shares: Array, by_size: bool
) -> dict[str, Array]:
    """Return how many weights of each layer go at each position."""
    if by_size:
        return {layer.name: layer.removed(thresholds) for layer in sketch.layers}
    return {
        layer.name: np.minimum(np.rint(shares * layer.count), layer.count - 1)
        for layer in sketch.layers
    }


def _drawing(drawn: Order, bound: float) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return edges symmetric about zero and the number of weights between them."""
    edges = bound * np.arange(-BINS, BINS + 1, 2) / BINS
    inner = edges[BINS // 2 + 1 : -1]
    negative = drawn.negative_gone(inner)
    positive = drawn.gone(inner) - negative
    total, below_zero = drawn.count, drawn.negatives
    before = np.concatenate([[0], (below_zero - negative)[::-1], below_zero + positive, [total]])
    # Rounded before they are subtracted: no weight is lost.
    return tuple(edges.tolist()), tuple(np.diff(np.rint(before).astype(np.int64)).tolist())


def _lines(sketch: Sketch, layer: str | None, how: Quantize, bits: int) -> tuple[float, ...]:
    """Return the values of the grid of a layer's widest row, in the scale of unfolded weights."""
    if layer is None or 1 << bits > MOST_LINES or how.grid == "codebook":
        return ()
    found = sketch.layer(layer)
    shared = how.granularity == "per_tensor"
    if shared and not found.whole and how.calibration != "minmax":
        return ()
    widest = int(np.abs(found.ends).max(1).argmax())
    # Ends alone make the range of all rows, if nothing is clipped.
    seen = found.ends if shared and how.calibration == "minmax" else found.weights
    some = slice(None) if shared else slice(widest, widest + 1)
    rows = (seen[some] * found.factors[some, None]).astype(np.float32)
    grid = weight_grid(torch.from_numpy(rows), replace(how, weight_bits=bits))
    values = grid.values().numpy()
    row = values[np.abs(values).max(1).argmax()] / found.factors[widest]
    return tuple(np.sort(row).tolist())


def through(table: DragTable, bits: int, gone_everywhere: float, packed_bytes: int) -> DragTable:
    """
    Return the table moved so that it says *packed_bytes*, which were measured, at one setting.

    What entropy does not know, such as that weights of a row are alike, was found to be a like
    share of the bytes at every sparsity, and as many bytes whatever the bits.
    """
    row = table.packed[table.bits.index(bits)]
    if row is None:
        return table
    here = float(np.interp(gone_everywhere, table.gone_everywhere, row))
    more = (packed_bytes / here - 1) * np.array(row)
    moved = (None if each is None else np.rint(np.maximum(each + more, 1)) for each in table.packed)
    rows = (None if each is None else tuple(each.astype(np.int64).tolist()) for each in moved)
    return replace(table, packed=tuple(rows))


def _packed(
    sketch: Sketch, gone: dict[str, Array], how: Quantize, bits: int
) -> tuple[int, ...] | None:
    """Return the estimated bytes of the whole network at each position."""
    total: Array = np.full(
        POSITIONS, 4.0 * (sketch.others if bits == FLOAT else sketch.folded_others)
    )
    for layer in sketch.layers:
        size = _coded(layer, how, bits, gone[layer.name])
        if size is None:
            return None
        total += size
    if not np.isfinite(total).all():
        return None
    return tuple(np.rint(total).astype(np.int64).tolist())


def _coded(layer: LayerSketch, how: Quantize, bits: int, gone: Array) -> Array | None:
    """Return the bytes of one layer's codes and grid; files model so many leading bits."""
    if how.grid == "codebook" and bits > MOST_LEVELS:
        how = replace(how, grid="linear")
    modelled = bits if bits == FLOAT else min(bits, MODELLED)
    found = curve(layer, how, modelled)
    if found is None:
        return None
    raw = (bits - modelled) * (layer.count - gone)
    parameters = 0 if bits == FLOAT else parameter_bytes(layer, how, bits)
    size: Array = (found.bits_at(gone) + raw) / 8 + parameters
    return size
