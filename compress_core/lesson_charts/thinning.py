"""The sizes of a layer's weights, with the line below which they go."""

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import legend
from compress_core.lessons.thinning import Thinned
from compress_core.roles import Roles

HEIGHT = 380


def thinning_chart(
    found: Thinned, roles: Roles, size: str, count: str, line: str
) -> alt.LayerChart:
    """Draw bars of |w|, kept and gone; *line* is written at the cut."""
    rows = [
        {
            "low": low,
            "high": high,
            "from": start,
            "to": start + counted,
            "count": counted,
            "role": role,
        }
        for low, high, gone, kept in zip(
            found.edges, found.edges[1:], found.gone, found.kept, strict=False
        )
        for role, start, counted in ((roles.gone, 0, gone), (roles.compressed, gone, kept))
        if counted
    ]  # fmt: skip
    x = alt.X("low:Q", title=size, scale=alt.Scale(domain=[0, found.edges[-1]], nice=False),
              axis=alt.Axis(grid=False))  # fmt: skip
    bars = (
        alt.Chart(pd.DataFrame(rows))
        .mark_rect(stroke=None)
        .encode(
            x=x,
            x2="high:Q",
            y=alt.Y("from:Q", title=count, axis=alt.Axis(tickCount=4, format="~s")),
            y2="to:Q",
            color=legend(roles, {roles.gone: roles.gone, roles.compressed: roles.compressed}),
            tooltip=[alt.Tooltip("low:Q", title=size, format=".3f"),
                     alt.Tooltip("count:Q", title=count, format=",d")],
        )
    )  # fmt: skip
    cut = alt.Chart(
        pd.DataFrame([{"low": found.cut, "text": line, "role": roles.original}])
    ).encode(x="low:Q", color=alt.Color("role:N"))
    right = found.cut < 0.6 * found.edges[-1]
    text = cut.mark_text(
        align="left" if right else "right", dx=6 if right else -6, dy=-6, y=14, fontSize=13,
        fontWeight=600,
    ).encode(text="text:N")  # fmt: skip
    return alt.LayerChart(layer=[bars, cut.mark_rule(strokeWidth=2), text], height=HEIGHT)
