"""
Picture of one answer: how likely a network holds each class for. An Altair specification.

It names no colours (see `roles`) and no words beside those that the caller passes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import pandas as pd

from compress_core.roles import Roles

BAR_STEP = 30
"""Pixels from one bar to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """One class: its name, its probability and what is written at the end of its bar."""

    label: str
    probability: float
    text: str


def chance_bars(chances: Sequence[Chance], role: str, roles: Roles) -> alt.LayerChart:
    """Draw probabilities as bars from 0 to 1 in the order given, *role* being one of *roles*."""
    frame = pd.DataFrame([{**asdict(chance), "role": role} for chance in chances])
    order = [chance.label for chance in chances]
    base = alt.Chart(frame).encode(
        x=alt.X("probability:Q", axis=None, scale=alt.Scale(domain=[0, 1]))
    )
    left = alt.Y("label:N", sort=order, title=None, axis=_plain_axis(labelLimit=120))
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles.domain), legend=None)
    # The numbers are an axis of their own, because the theme colours axes and no other text.
    texts = json.dumps({chance.label: chance.text for chance in chances})
    numbers = _plain_axis(
        orient="right", labelExpr=f"{texts}[datum.value]", labelAlign="right", labelPadding=52
    )
    right = alt.Y("label:N", sort=order, title=None, axis=numbers)
    marks = [
        base.mark_bar(size=14).encode(y=left, color=colour),
        base.mark_bar(opacity=0).encode(y=right),
    ]
    chart: alt.LayerChart = alt.LayerChart(layer=marks, height=BAR_STEP * len(chances))
    chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(y="independent"))
    return chart


def _plain_axis(**options: Any) -> alt.Axis:
    plain = {"ticks": False, "domain": False, "grid": False, "labelFontSize": 13, "labelPadding": 8}
    return alt.Axis(**plain | options)
