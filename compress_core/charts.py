"""
The picture of sizes: an Altair specification from plain numbers.

It names no colours (see `roles`) and no words of its own beside what the caller passes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import pandas as pd

from compress_core.roles import Roles

BAR_STEP = 34
"""Pixels from one bar to the next."""


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
    chart: alt.LayerChart = alt.LayerChart(layer=[marks, numbers], height=BAR_STEP * len(bars))
    chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(y="independent"))
    return chart


def _plain_axis(**options: Any) -> alt.Axis:
    return alt.Axis(
        **{"ticks": False, "domain": False, "grid": False, "labelFontSize": 13, "labelPadding": 8}
        | options
    )
