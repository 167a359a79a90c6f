"""The pictures of the fitting room, each with one sentence that says what it shows now."""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.charts import SizeBar, size_bars
from pages.shared import cached, drag, handles, words
from pages.shared.choice import Choice, by_threshold
from pages.shared.words import _, roles

if TYPE_CHECKING:
    from compress_core.compressed import Compressed
    from compress_core.grids import Grid
    from compress_core.histogram import WeightHistogram
    from compress_core.sizes import LayerReport, Sizes

MOST_VALUES = 32
"""More allowed values than this are a carpet, not ticks."""


def weights(
    choice: Choice, compressed: "Compressed", sizes: "Sizes", layer: str | None
) -> float | None:
    """
    Draw the weights of a layer (None: of all), and say how many are gone and what they may be.

    Returns the size below which they are gone, where there is one.
    """
    grid = compressed.weight_grids.get(layer or "")
    why = handles.why_still(choice, layer)
    if why is None:
        return _moving_weights(choice, compressed, sizes, layer, grid)
    histogram = cached.histogram(choice.scenario, choice.seed, compressed.recipe, layer)
    values, count, rows = allowed_values(grid, histogram.largest)
    sentences = [_gone(histogram, choice.granularity == "channel"), _allowed(values, count, rows)]
    if histogram.folded:
        sentences.append(_("Batch normalisation is folded in, so the blue outline differs."))
    drag.still(histogram, values, " ".join(sentences), why)
    return histogram.cut


def _moving_weights(
    choice: Choice, compressed: "Compressed", sizes: "Sizes", layer: str | None, grid: "Grid | None"
) -> float | None:
    from compress_core.drag import through

    shown = [report for report in sizes.layers if layer in (None, report.name)]
    table = handles.table(choice, layer)
    table = through(table, choice.weight_bits, _sparsity(sizes.layers), sizes.packed_bytes)
    lines = {bits: list(line) for bits, line in zip(table.bits, table.lines, strict=True)}
    if grid is not None and layer and _unchanged(compressed, layer):
        largest = float(compressed.float_weight(layer).abs().max())
        lines[choice.weight_bits] = allowed_values(grid, largest)[0]
    rows = handles.rows(choice, shown[0].original_shape) if layer else 0
    allowed = [
        _allowed(lines[bits], handles.value_count(choice, bits), rows) for bits in table.bits
    ]
    now = lines[choice.weight_bits]
    drag.moving(choice, table, now, allowed, _sparsity(shown), sizes.packed_bytes)
    return handles.cut(choice, table)


def sizes(now: "Sizes", zipped: int, onnx_bytes: int) -> None:
    """Draw the original, the bound and the files on one scale; the ONNX file is not written yet."""
    bars = [
        _bar(_("Original"), now.fp32_bytes, roles().original),
        _bar(_("In theory"), now.theory_bytes, roles().compressed, measured=False),
        _bar(_("Packed"), now.packed_bytes, roles().compressed),
        _bar(_("Zipped"), zipped, roles().compressed),
        _bar(_("ONNX file"), onnx_bytes, roles().compressed, measured=False),
    ]
    sentence = _(
        "The packed file takes {packed} instead of {before}, {ratio} less; an ordinary zip file "
        "{zipped}. Theory counts how often each value occurs, and nothing else. In an ONNX file "
        "weights take 4, 8 or 16 bits each, zeros too."
    ).format(
        packed=words.size(now.packed_bytes),
        before=words.size(now.fp32_bytes),
        ratio=words.times(now.compression_ratio),
        zipped=words.size(zipped),
    )
    if zipped < now.packed_bytes:
        sentence += " " + _(
            "Here the zip is smaller: it holds the weights alone, the packed file also how they "
            "work together, so that it loads by itself."
        )
    st.vega_lite_chart(spec=size_bars(bars, roles()), key="explore.sizes", alt=sentence)
    st.caption(sentence)


def layer_choice(scenario: str, sizes: "Sizes") -> str | None:
    """Let the user pick the layer to look at; None is all of them."""
    largest = max(range(len(sizes.layers)), key=lambda i: sizes.layers[i].fp32_bytes)
    chosen = st.selectbox(
        _("Weights of"),
        [*(layer.name for layer in sizes.layers), ""],
        index=largest,
        format_func=lambda name: name or _("all layers together"),
        key=f"explore.layer.{scenario}",
        persist_state="session",
        width=260,
        help=_("The layers in the order in which a picture passes through them."),
    )
    return chosen or None


def other_view(choice: Choice, sizes: "Sizes", layer: str | None, cut: float | None) -> str:
    """Return the view of the pruning choice that is not being dragged."""
    share = words.percent(_sparsity(sizes.layers))
    if by_threshold(choice):
        return _("{share} of all weights are smaller.").format(share=share)
    if cut and layer and choice.criterion in ("l1", "l2"):
        return _("In {layer}, that is every weight smaller than {cut}.").format(
            layer=layer, cut=words.three(cut)
        )
    return _("{share} of all weights are gone.").format(share=share)


def allowed_values(grid: "Grid | None", largest: float) -> tuple[list[float], int, int]:
    """
    Return the values of a grid's widest row if they are few, their number, and that of rows.

    *largest* is the largest weight: a row beyond it belongs to a channel of zeros alone.
    """
    if grid is None:
        return [], 0, 0
    rows = grid.values()
    count = rows.shape[1]
    if count > MOST_VALUES:
        return [], count, len(rows)
    used = rows[rows.abs().amax(1) <= 1.01 * largest]
    widest = used[(used.amax(1) - used.amin(1)).argmax()] if len(used) else rows[0]
    return widest.tolist(), count, len(rows)


def _sparsity(reports: Sequence["LayerReport"]) -> float:
    """Return the fraction of the weights of several layers that is gone."""
    counts = [prod(report.original_shape) for report in reports]
    gone = (report.sparsity * n for report, n in zip(reports, counts, strict=True))
    return sum(gone) / sum(counts)


def _bar(label: str, size_bytes: int, role: str, measured: bool = True) -> SizeBar:
    text = words.size(size_bytes) if measured else f"≈ {words.size(size_bytes)}"
    return SizeBar(label=label, size_bytes=size_bytes, text=text, role=role, measured=measured)


def _unchanged(compressed: "Compressed", layer: str) -> bool:
    """Tell whether what is rounded are the weights as they were trained, nothing folded in."""
    from compress_core.network import layer_weight

    before = layer_weight(compressed.original.module, layer)
    return before.equal(compressed.float_weight(layer))


def _gone(histogram: "WeightHistogram", channels: bool) -> str:
    if histogram.removed == 0:
        return _("Every weight is kept.")
    share = words.percent(histogram.removed)
    if channels:
        return _("{share} of the weights went with their channels.").format(share=share)
    return _("{share} of the weights are gone; they carried {energy} of the energy.").format(
        share=share, energy=words.percent(histogram.energy)
    )


def _allowed(values: list[float], count: int, rows: int) -> str:
    if not count:
        return _("What is kept keeps its exact value.")
    if not values:
        return _("What is kept is rounded to one of {count} values.").format(count=f"{count:,}")
    if rows == 1:
        return _("What is kept moves to the nearest of {count} values (dashed).").format(
            count=count
        )
    return _(
        "What is kept moves to the nearest of {count} values; each of the {rows} channels has its "
        "own (dashed: the widest)."
    ).format(count=count, rows=rows)
