"""How often each code occurs in a layer."""

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import legend
from compress_core.lessons.coding import Coded
from compress_core.roles import Roles

HEIGHT = 360


def coding_chart(
    found: Coded, roles: Roles, names: tuple[str, str], axes: tuple[str, str]
) -> alt.Chart:
    """Draw a bar for each code; zero, which pruning makes frequent, in the role of what is gone."""
    total = sum(found.counts.values())
    frame = pd.DataFrame(
        [
            {"low": code - 0.45, "high": code + 0.45, "code": code, "share": count / total,
             "count": count, "role": roles.gone if code == 0 else roles.compressed}
            for code, count in found.counts.items()
        ]
    )  # fmt: skip
    chart: alt.Chart = (
        alt.Chart(frame, height=HEIGHT)
        .mark_rect(stroke=None)
        .encode(
            x=alt.X("low:Q", title=axes[0], axis=alt.Axis(grid=False, tickMinStep=1, format="d")),
            x2="high:Q",
            y=alt.Y("share:Q", title=axes[1], axis=alt.Axis(format=".0%", tickCount=4)),
            y2=alt.datum(0),
            color=legend(roles, dict(zip((roles.compressed, roles.gone), names, strict=True))),
            tooltip=[alt.Tooltip("code:Q", title=axes[0]),
                     alt.Tooltip("count:Q", title=axes[1], format=",d")],
        )
    )  # fmt: skip
    return chart
