"""
Picture of many runs: accuracy over size, one point each. An Altair specification from numbers.

It names no colours (see `roles`) and no words beside those that the caller passes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import pandas as pd

from compress_core.roles import Roles

HEIGHT = 380
AXIS_WIDTH = 52
"""Pixels for the numbers of the vertical axis."""
BYTES = (
    "datum.value >= 999500 ? format(datum.value / 1e6, '.3~g') + ' MB'"
    " : format(datum.value / 1e3, '.3~g') + ' kB'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One network in the picture of accuracy over size; fractions and bytes."""

    id: str
    label: str
    text: str
    """What it is, in words, shown when pointed at."""
    state: str
    role: str
    packed_bytes: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffWords:
    """What is written beside the picture of accuracy over size."""

    size: str = "Packed size, smaller to the left"
    accuracy: str = "Accuracy on validation"
    interval: str = "95 % interval"
    recipe: str = "Recipe"
    state: str = "State"


def trade_off_chart(
    points: Sequence[Point],
    roles: Roles,
    words: TradeOffWords,
    states: Sequence[str],
    chosen: str | None = None,
) -> alt.LayerChart:
    """
    Draw one point per network, with the interval of its accuracy; originals are squares.

    Points can be clicked: the selection is called `run` and holds the field `id`. The point whose
    id is *chosen* is larger. *states* are the words that `Point.state` may be: originals, finished
    runs, runs that were cut short.
    """
    frame = pd.DataFrame([asdict(point) for point in points])
    base = alt.Chart(frame).encode(
        x=alt.X(
            "packed_bytes:Q",
            title=words.size,
            scale=alt.Scale(type="log", nice=False, padding=40),
            axis=alt.Axis(labelExpr=BYTES, tickCount=6, grid=False),
        ),
        color=alt.Color("role:N", scale=alt.Scale(domain=roles.domain), legend=None),
    )
    y = _vertical("accuracy", words)
    cut_short = bool((frame["state"] == states[-1]).any())
    legend = alt.Legend(
        orient="top", values=list(states[1:]), symbolFillColor="gray", symbolStrokeColor="gray"
    )
    shape = alt.Shape(
        "state:N",
        title=None,
        scale=alt.Scale(domain=list(states), range=["square", "circle", "triangle-down"]),
        legend=legend if cut_short else None,
    )
    whiskers = base.mark_rule(strokeWidth=2, opacity=0.45).encode(
        y=_vertical("low", words), y2="high:Q"
    )
    marks = (
        base.mark_point(filled=True, opacity=1)
        .encode(
            y=y,
            shape=shape,
            size=alt.condition(alt.datum.id == chosen, alt.value(380), alt.value(150)),
            tooltip=[
                alt.Tooltip("label:N", title=" "),
                alt.Tooltip("text:N", title=words.recipe),
                alt.Tooltip("accuracy:Q", title=words.accuracy, format=".1%"),
                alt.Tooltip("packed_bytes:Q", title=words.size.partition(",")[0], format=",d"),
            ],
        )
        .add_params(alt.selection_point(name="run", fields=["id"]))
    )
    text = base.encode(y=y, text="label:N")
    is_original = alt.datum.role == roles.original
    above = text.transform_filter(is_original).mark_text(align="right", dy=-14, dx=8, fontSize=12.5)
    beside = text.transform_filter(~is_original).mark_text(align="left", dx=13, fontSize=12.5)
    lines = _original_lines(frame[frame["role"] == roles.original], y, roles)
    layers: list[Any] = [lines, whiskers, marks, above, beside]
    return alt.LayerChart(layer=layers, height=HEIGHT)


def _original_lines(originals: pd.DataFrame, y: alt.Y, roles: Roles) -> alt.Chart:
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles.domain), legend=None)
    base = alt.Chart(originals).encode(y=y, color=colour)
    lines: alt.Chart = base.mark_rule(strokeDash=[5, 4], strokeWidth=1.25, opacity=0.7)
    return lines


def _vertical(field: str, words: TradeOffWords) -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        title=words.accuracy,
        scale=alt.Scale(zero=False, padding=14),
        axis=alt.Axis(format=".0%", minExtent=AXIS_WIDTH, tickCount=6),
    )
