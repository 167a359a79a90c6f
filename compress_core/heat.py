"""
Picture of a sensitivity map: layers in rows, settings of one kind in columns.

An Altair specification that names no colours (see `roles`) and no words beside those that the
caller passes. The more is lost, the more of the compressed network's colour a cell has.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import pandas as pd

from compress_core.roles import Roles

ROW = 31
"""Pixels from one layer to the next."""
HEADER = 24
FULL_LOSS = 0.2
"""A loss of accuracy that has the full colour; worse ones have it too."""
FULL = 0.6
"""Opacity of the full colour: numbers stay legible on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """One layer with one setting alone: what it is called and what it costs."""

    layer: str
    amount: float
    name: str
    column: str
    text: str
    lost: float
    """Fraction of accuracy; below zero where it rose."""
    chosen: bool = False
    """Framed: the layer has this setting of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatWords:
    """What is written beside the picture and when a cell is pointed at."""

    setting: str
    layer: str = "Layer"
    lost: str = "Accuracy"


def heat_chart(cells: Sequence[HeatCell], roles: Roles, words: HeatWords) -> alt.LayerChart:
    """
    Draw cells with their numbers; rows and columns in the order of *cells*.

    The selection `cell` holds `layer` and `amount` of a cell that was clicked.
    """
    rows = list(dict.fromkeys(cell.name for cell in cells))
    columns = list(dict.fromkeys(cell.column for cell in cells))
    plain: dict[str, Any] = dict.fromkeys(("ticks", "domain", "grid"), False)
    plain |= dict.fromkeys(("labelFlush", "labelOverlap", "labelBound"), False)
    plain |= {"title": None, "labelFontSize": 13}
    base = alt.Chart(pd.DataFrame([asdict(cell) for cell in cells])).encode(
        x=alt.X(
            "column:N",
            scale=alt.Scale(domain=columns, paddingInner=0.04, paddingOuter=0),
            axis=alt.Axis(orient="top", labelAngle=0, labelPadding=6, **plain),
        ),
        y=alt.Y(
            "name:N",
            scale=alt.Scale(domain=rows, paddingInner=0.1, paddingOuter=0),
            axis=alt.Axis(labelPadding=8, labelLimit=130, **plain),
        ),
        tooltip=[
            alt.Tooltip("name:N", title=words.layer),
            alt.Tooltip("column:N", title=words.setting),
            alt.Tooltip("text:N", title=words.lost),
        ],
    )
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles.domain), legend=None)
    opacity = alt.Opacity(
        "lost:Q",
        scale=alt.Scale(domain=[0, FULL_LOSS], range=[0.02, FULL], clamp=True),
        legend=None,
    )
    tiles = base.transform_calculate(role=json.dumps(roles.compressed)).mark_rect(cornerRadius=3)
    frames = base.transform_filter("datum.chosen").mark_rect(
        filled=False, stroke="currentColor", strokeWidth=2, cornerRadius=3
    )
    # Text and frames take the colour of the page's own text, in either theme.
    numbers = base.mark_text(fontSize=13, color="currentColor").encode(text="text:N")
    # On top, so that a click or a touch anywhere in a cell is one on the cell.
    picked = alt.selection_point(name="cell", fields=["layer", "amount"])
    glass = base.mark_rect(opacity=0, cursor="pointer").add_params(picked)
    chart: alt.LayerChart = alt.LayerChart(
        layer=[tiles.encode(color=colour, opacity=opacity), frames, numbers, glass],
        height=ROW * len(rows) + HEADER,
    )
    return chart
