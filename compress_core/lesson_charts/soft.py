"""One sample's answers: the hard label as an outline, the softened ones as bars."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import FRAME, legend, plain_axis
from compress_core.roles import Roles

STEP = 30


def soft_chart(
    classes: Sequence[str],
    probabilities: Sequence[float],
    label: int,
    roles: Roles,
    hard: str,
    soft: str,
    axis: str,
) -> alt.LayerChart:
    """Draw a bar for each class; class number *label* is the hard one."""
    frame = pd.DataFrame(
        {"class": list(classes), "p": list(probabilities), "role": roles.compressed}
    )
    truth = pd.DataFrame([{"class": classes[label], "p": 1.0, "role": roles.original}])
    x = alt.X("p:Q", title=axis, scale=alt.Scale(domain=[0, 1]),
              axis=alt.Axis(format=".0%", tickCount=5))  # fmt: skip
    y = alt.Y("class:N", sort=list(classes), title=None, axis=plain_axis(labelPadding=8))
    colours = legend(roles, {roles.original: hard, roles.compressed: soft})
    tooltip = [alt.Tooltip("class:N", title=" "), alt.Tooltip("p:Q", title=axis, format=".1%")]
    bars = alt.Chart(frame).mark_bar(size=16).encode(x=x, y=y, color=colours, tooltip=tooltip)
    outline = alt.Chart(truth).mark_bar(size=22, filled=False, strokeWidth=2).encode(
        x=x, y=y, color=colours
    )  # fmt: skip
    return alt.LayerChart(layer=[outline, bars], height=STEP * len(classes) + FRAME)
