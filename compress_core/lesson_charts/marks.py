"""What the pictures of lessons have in common: the roles' colours, and axes without ornament."""

import json
from collections.abc import Mapping
from typing import Any

import altair as alt

from compress_core.roles import Roles

FRAME = 104
"""Pixels that a legend above and an axis below take of a picture's height."""


def colour(roles: Roles, field: str = "role") -> alt.Color:
    """Map the words of `Roles` to the theme's colours; no legend."""
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=roles.domain), legend=None)


def legend(roles: Roles, names: Mapping[str, str]) -> alt.Color:
    """The same with a legend: role -> what it is called in this picture."""
    return alt.Color(
        "role:N",
        scale=alt.Scale(domain=roles.domain),
        legend=alt.Legend(
            title=None,
            orient="top",
            values=list(names),
            labelExpr=f"{json.dumps(dict(names))}[datum.value]",
            labelLimit=400,
        ),
    )


def plain_axis(**options: Any) -> alt.Axis:
    """An axis of names: no ticks, no line, no grid."""
    plain = {"ticks": False, "domain": False, "grid": False, "labelFontSize": 13, "labelLimit": 260}
    return alt.Axis(**plain | options)


def named(texts: Mapping[str, str]) -> str:
    """Return the expression that writes a text instead of the value of a label."""
    return f"{json.dumps(dict(texts))}[datum.value]"
