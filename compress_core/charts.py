"""
The picture of sizes: a Vega-Lite specification from plain numbers.

Written out, since it is drawn at every move of a control and Altair takes a tenth of a second. It
names no colours (see `roles`) and no words of its own beside what the caller passes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

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


def size_bars(bars: Sequence[SizeBar], roles: Roles) -> dict[str, Any]:
    """Draw sizes as bars on one scale, names left and numbers right; estimates are hollow."""
    longest = max(bar.size_bytes for bar in bars)
    # The numbers are an axis of their own, because the theme colours axes and no other text.
    texts = json.dumps({bar.label: bar.text for bar in bars})
    numbers = _axis(
        orient="right", labelExpr=f"{texts}[datum.value]", labelAlign="right", labelPadding=68
    )
    width = {
        "field": "size_bytes", "type": "quantitative", "axis": None,
        "scale": {"domain": [0, longest]},
    }  # fmt: skip
    place = {"field": "label", "type": "nominal", "sort": [bar.label for bar in bars]}
    colour = {"field": "role", "type": "nominal", "scale": {"domain": roles.domain}, "legend": None}
    named = {"x": width, "y": place | {"title": None, "axis": _axis()}, "color": colour}
    solid = {"type": "bar", "size": 16}
    hollow = {
        "type": "bar", "size": 14, "filled": False, "strokeWidth": 1.5, "strokeDash": [3, 2],
    }  # fmt: skip
    marks = [
        {"transform": [{"filter": condition}], "mark": mark, "encoding": named}
        for condition, mark in (("datum.measured", solid), ("!datum.measured", hollow))
    ]
    unseen = {
        "mark": {"type": "bar", "opacity": 0},
        "encoding": {"x": width, "y": place | {"title": None, "axis": numbers}},
    }
    return {
        "data": {"values": [asdict(bar) for bar in bars]},
        "height": BAR_STEP * len(bars),
        "layer": [{"layer": marks}, unseen],
        "resolve": {"scale": {"y": "independent"}},
    }


def _axis(**options: Any) -> dict[str, Any]:
    plain = {"ticks": False, "domain": False, "grid": False, "labelFontSize": 13, "labelPadding": 8}
    return plain | options
