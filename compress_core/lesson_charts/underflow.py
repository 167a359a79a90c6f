"""How small gradients are, and where a 16-bit number ends."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import legend, named, plain_axis
from compress_core.roles import Roles

HEIGHT = 380


def underflow_chart(
    counts: Sequence[int],
    low: int,
    scale: int,
    ends: Sequence[tuple[float, str]],
    roles: Roles,
    names: tuple[str, str, str],
    axes: tuple[str, str],
) -> alt.LayerChart:
    """
    Draw the gradients as they are (a blue outline) and scaled by 2^*scale* (bars).

    *counts* begin at 2^*low*; *ends* are exponents with their words, the first one the smallest
    that can be told from zero. *names* are those of the roles: as they are, what arrives, what
    vanishes.
    """
    total = sum(counts)
    smallest = ends[0][0]
    bars = [
        {"low": low + place + scale, "high": low + place + scale + 1, "share": count / total,
         "role": roles.gone if low + place + scale < smallest - 1 else roles.compressed}
        for place, count in enumerate(counts)
    ]  # fmt: skip
    outline = [
        {"low": low + place, "share": count / total, "role": roles.original}
        for place, count in enumerate([*counts, 0])
    ]
    reach = [low, low + len(counts) + 16]
    x = alt.X("low:Q", title=axes[0], axis=alt.Axis(grid=False, labelExpr=named(_powers(*reach))),
              scale=alt.Scale(domain=reach, nice=False))  # fmt: skip
    room = alt.Scale(domain=[0, 1.05 * max(counts) / total], nice=False)
    y = alt.Y("share:Q", title=axes[1], axis=alt.Axis(format=".0%", tickCount=4), scale=room)
    colours = legend(roles, dict(zip(roles.domain, names, strict=True)))
    layers: list[Any] = [
        alt.Chart(pd.DataFrame(bars)).mark_rect(stroke=None, clip=True).encode(
            x=x, x2="high:Q", y=y, y2=alt.datum(0), color=colours,
            tooltip=[alt.Tooltip("low:Q", title=axes[0]),
                     alt.Tooltip("share:Q", title=axes[1], format=".2%")]),
        alt.Chart(pd.DataFrame(outline)).mark_line(interpolate="step-after", strokeWidth=2).encode(
            x=x, y=y, color=colours),
    ]  # fmt: skip
    shown = {at: text for at, text in ends if reach[0] <= at <= reach[1]}
    parts: list[Any] = [alt.layer(*layers)]
    if shown:
        # Their words are an axis, because the theme gives axes, and no other text, its ink.
        above = plain_axis(
            orient="top", values=list(shown), title=None,
            labelExpr=named({f"{at:g}": text for at, text in shown.items()}),
        )  # fmt: skip
        marks = pd.DataFrame([{"low": at, "role": roles.gone} for at in shown])
        parts.append(
            alt.Chart(marks)
            .mark_rule(strokeWidth=2, strokeDash=[5, 4])
            .encode(x=alt.X("low:Q", scale=x["scale"], axis=above), color=colours)
        )
    chart: alt.LayerChart = alt.LayerChart(layer=parts, height=HEIGHT)
    chart.resolve = alt.Resolve(axis=alt.AxisResolveMap(x="independent"))
    return chart


def _powers(low: int, high: int) -> dict[str, str]:
    """Return how powers of two are written: -24 -> 2⁻²⁴."""
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return {str(power): f"2{str(power).translate(raised)}" for power in range(low, high + 1)}
