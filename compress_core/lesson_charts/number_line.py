"""Number lines below each other: ticks are the values that can be held; one weight is dragged."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import FRAME, colour, named, plain_axis
from compress_core.lessons.number_line import Line
from compress_core.roles import Roles

STEP = 96
CLOUD = 80
"""Bins of the weights that are drawn behind a line."""
ABOVE = -33
"""Pixels from a line to the weight that is dragged along it."""


def number_line_chart(
    lines: Sequence[Line],
    probes: Sequence[float],
    start: float,
    weights: Sequence[float],
    ends: tuple[float, float],
    roles: Roles,
    names: Mapping[str, str],
    errors: Mapping[str, str],
    axis: str,
) -> alt.LayerChart:
    """
    Draw a line for each kind, with the weights as a cloud behind it.

    A probe follows the pointer while it is pressed (the selection `weight`); it begins at *start*.
    *errors* is written at the end of each line.
    """
    order = [line.kind for line in lines]
    x = alt.X("x:Q", title=axis, scale=alt.Scale(domain=list(ends), nice=False, clamp=True),
              axis=alt.Axis(grid=False))  # fmt: skip
    left = alt.Y("kind:N", sort=order, title=None,
                 axis=plain_axis(labelExpr=named(names), labelPadding=10))  # fmt: skip
    right = alt.Y(
        "kind:N", sort=order, title=None,
        axis=plain_axis(orient="right", labelExpr=named(errors), labelPadding=10),
    )  # fmt: skip
    ticks = alt.Chart(pd.DataFrame(_ticks(lines, ends, roles)))
    values = ticks.mark_tick(thickness=2.5, size=30, opacity=1).encode(
        x=x, y=left, color=colour(roles), tooltip=[alt.Tooltip("x:Q", title=roles.compressed)]
    )
    cloud = (
        alt.Chart(pd.DataFrame(_cloud(order, weights, ends, roles)))
        .mark_bar(size=44)
        .encode(
            x=x, x2="x2:Q", y=left, color=colour(roles),
            opacity=alt.Opacity("n:Q", scale=alt.Scale(type="sqrt", range=[0, 0.5]), legend=None),
        )
    )  # fmt: skip
    dragged = _dragged(lines, probes, start, x, left, roles)
    main = alt.layer(cloud, values, *dragged)
    ends_text = alt.Chart(pd.DataFrame({"kind": order})).mark_point(opacity=0).encode(y=right)
    chart: alt.LayerChart = alt.LayerChart(
        layer=[main, ends_text], height=STEP * len(order) + FRAME // 2
    )
    chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(y="independent"))
    return chart


def _dragged(
    lines: Sequence[Line],
    probes: Sequence[float],
    start: float,
    x: alt.X,
    left: alt.Y,
    roles: Roles,
) -> list[alt.Chart]:
    """Return the layers of the weight that follows the pointer, and of where it lands."""
    picked = alt.selection_point(
        name="weight", encodings=["x"], nearest=True, empty=False,
        on="[pointerdown, window:pointerup] > pointermove, click",
        value=[{"x": start}], toggle=False, clear=False,
    )  # fmt: skip
    moved = alt.Chart(pd.DataFrame(_moves(lines, probes, roles)))
    here = moved.transform_filter(picked)
    catcher = moved.mark_point(opacity=0, size=1).encode(x=x, y=left).add_params(picked)
    way = here.mark_rule(strokeWidth=3, yOffset=ABOVE).encode(
        x=x, x2="to:Q", y=left, color=colour(roles, "after")
    )
    weight = here.mark_point(filled=True, size=150, opacity=1, yOffset=ABOVE).encode(
        x=x, y=left, color=colour(roles, "before"),
        tooltip=[alt.Tooltip("x:Q", title=roles.original, format=".4f"),
                 alt.Tooltip("to:Q", title=roles.compressed, format=".4f")],
    )  # fmt: skip
    lands = here.mark_point(
        filled=True, size=150, opacity=1, shape="triangle-down", yOffset=ABOVE
    ).encode(
        x=alt.X("to:Q", scale=x["scale"], title=x["title"]), y=left, color=colour(roles, "after")
    )
    text = here.mark_text(align="left", dx=14, yOffset=ABOVE, fontSize=13, fontWeight=600).encode(
        x=alt.X("right:Q", scale=x["scale"], title=x["title"]), y=left, text="text:N",
        color=colour(roles, "after"),
    )  # fmt: skip
    return [catcher, way, lands, weight, text]


def _ticks(lines: Sequence[Line], ends: tuple[float, float], roles: Roles) -> list[dict[str, Any]]:
    return [
        {"kind": line.kind, "x": value, "role": roles.compressed}
        for line in lines
        for value in line.values
        if ends[0] <= value <= ends[1]
    ]


def _cloud(
    order: Sequence[str], weights: Sequence[float], ends: tuple[float, float], roles: Roles
) -> list[dict[str, Any]]:
    width = (ends[1] - ends[0]) / CLOUD
    counts = [0] * CLOUD
    for weight in weights:
        counts[min(CLOUD - 1, max(0, int((weight - ends[0]) / width)))] += 1
    return [
        {"kind": kind, "x": ends[0] + place * width, "x2": ends[0] + (place + 1) * width,
         "n": count, "role": roles.original}
        for kind in order
        for place, count in enumerate(counts)
        if count
    ]  # fmt: skip


def _moves(lines: Sequence[Line], probes: Sequence[float], roles: Roles) -> list[dict[str, Any]]:
    return [
        {"kind": line.kind, "x": probe, "to": to, "right": max(probe, to),
         "text": f"{probe:.3f} → {to:.3f}".replace("-", "−"),
         "before": roles.original, "after": roles.compressed}
        for line in lines
        for probe, to in zip(probes, line.rounded, strict=True)
    ]  # fmt: skip
