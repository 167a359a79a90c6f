"""
Pictures of a compression: weights and sizes. Altair specifications from plain numbers.

They name no colours (see `roles`) and no words of their own beside what the caller passes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import pandas as pd

from compress_core.histogram import WeightHistogram
from compress_core.roles import Roles

HISTOGRAM_HEIGHT = 260
BAR_STEP = 34
"""Pixels from one bar to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramWords:
    """What is written in a histogram."""

    weight: str = "Weight"
    count: str = "Weights"
    value: str = "Grid value"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeBar:
    """One bar: what it shows, how long it is and what is written at its end."""

    label: str
    size_bytes: int
    text: str
    role: str
    """One of the words of `Roles`."""
    measured: bool
    """Solid when measured, hollow when estimated."""


def histogram_chart(
    histogram: WeightHistogram,
    roles: Roles,
    words: HistogramWords,
    grid: Sequence[float] = (),
) -> alt.LayerChart:
    """Draw the original as an outline, what is kept and gone as bars, *grid* as ticks below."""
    low, high = histogram.edges[0], histogram.edges[-1]
    shown = [value for value in grid if low <= value <= high]
    top = max(map(max, (histogram.original, _both(histogram))))
    y = alt.Y("count:Q", title=words.count, scale=alt.Scale(domain=[0, top * 1.05]))
    scale = alt.Scale(domain=[low, high], nice=False)
    axis = alt.Axis(format=".2~f", tickCount=11)
    x = alt.X("left:Q", title=words.weight, scale=scale, axis=axis)
    binned = alt.X("left:Q", bin="binned", title=words.weight, scale=scale, axis=axis)
    legend = alt.Legend(orient="top", title=None)
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles.domain), legend=legend)
    bars = (
        alt.Chart(_bars(histogram, roles))
        .mark_bar(binSpacing=0)
        .encode(
            x=binned,
            x2="right:Q",
            y=y.stack("zero"),
            color=colour,
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("role:N", title=" "),
                alt.Tooltip("left:Q", title="≥", format=".3f"),
                alt.Tooltip("right:Q", title="<", format=".3f"),
                alt.Tooltip("count:Q", title=words.count, format=","),
            ],
        )
    )
    layers: list[Any] = [bars, _outline(histogram, roles, x, y, colour)]
    if shown:
        layers.append(_ticks(shown, x, words))
    if histogram.cut is not None and histogram.cut > 0:
        layers.append(_cut_lines(histogram.cut, x))
    return _layer(layers, HISTOGRAM_HEIGHT)


def size_bars(bars: Sequence[SizeBar], roles: Roles) -> alt.LayerChart:
    """Draw sizes as bars on one scale, names left and numbers right; estimates are hollow."""
    frame = pd.DataFrame([asdict(bar) for bar in bars])
    order = [bar.label for bar in bars]
    longest = max(bar.size_bytes for bar in bars)
    base = alt.Chart(frame).encode(
        x=alt.X("size_bytes:Q", axis=None, scale=alt.Scale(domain=[0, longest]))
    )
    left = alt.Y("label:N", sort=order, title=None, axis=_plain_axis())
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles.domain), legend=None)
    solid = base.transform_filter("datum.measured").mark_bar(size=16)
    hollow = base.transform_filter("!datum.measured").mark_bar(
        size=14, filled=False, strokeWidth=1.5, strokeDash=[3, 2]
    )
    # The numbers are an axis of their own, because the theme colours axes and no other text.
    texts = json.dumps({bar.label: bar.text for bar in bars})
    axis = _plain_axis(
        orient="right", labelExpr=f"{texts}[datum.value]", labelAlign="right", labelPadding=68
    )
    right = alt.Y("label:N", sort=order, title=None, axis=axis)
    marks = alt.layer(solid.encode(y=left, color=colour), hollow.encode(y=left, color=colour))
    numbers = base.mark_bar(opacity=0).encode(y=right)
    chart = _layer([marks, numbers], BAR_STEP * len(bars))
    chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(y="independent"))
    return chart


def _plain_axis(**options: Any) -> alt.Axis:
    return alt.Axis(
        **{"ticks": False, "domain": False, "grid": False, "labelFontSize": 13, "labelPadding": 8}
        | options
    )


def _layer(layers: list[Any], height: int) -> alt.LayerChart:
    chart: alt.LayerChart = alt.LayerChart(layer=layers, height=height)
    return chart


def _both(histogram: WeightHistogram) -> list[int]:
    return [kept + gone for kept, gone in zip(histogram.kept, histogram.gone, strict=True)]


def _bars(histogram: WeightHistogram, roles: Roles) -> pd.DataFrame:
    """Return one row for each bin and role that holds weights."""
    edges = zip(histogram.edges[:-1], histogram.edges[1:], strict=True)
    rows = []
    for (left, right), kept, gone in zip(edges, histogram.kept, histogram.gone, strict=True):
        for order, (role, count) in enumerate(((roles.compressed, kept), (roles.gone, gone))):
            if count:
                rows.append((left, right, count, role, order))
    return pd.DataFrame(rows, columns=["left", "right", "count", "role", "order"])


def _outline(
    histogram: WeightHistogram, roles: Roles, x: alt.X, y: alt.Y, colour: alt.Color
) -> alt.Chart:
    counts = [*histogram.original, histogram.original[-1]]
    frame = pd.DataFrame({"left": histogram.edges, "count": counts, "role": roles.original})
    marks: alt.Chart = (
        alt.Chart(frame)
        .mark_line(interpolate="step-after", strokeWidth=1.25)
        .encode(x=x, y=y, color=colour)
    )
    return marks


def _ticks(values: Sequence[float], x: alt.X, words: HistogramWords) -> alt.Chart:
    """Draw the values that the bits allow as short strokes along the bottom."""
    marks: alt.Chart = (
        alt.Chart(pd.DataFrame({"left": values}))
        .mark_rule(strokeDash=[2, 3], strokeWidth=1, color="gray", opacity=0.9)
        .encode(x=x, tooltip=alt.Tooltip("left:Q", title=words.value, format=".4f"))
    )
    return marks


def _cut_lines(cut: float, x: alt.X) -> alt.Chart:
    """Draw the line below which weights are gone, on both sides of zero."""
    marks: alt.Chart = (
        alt.Chart(pd.DataFrame({"left": [-cut, cut]}))
        .mark_rule(strokeWidth=1.5, color="gray")
        .encode(x=x)
    )
    return marks
