"""What each layer gives, beside the share that all would give alike."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import FRAME, legend, named, plain_axis
from compress_core.lessons.shares import Given
from compress_core.roles import Roles

STEP = 46


def shares_chart(
    given: Sequence[Given],
    uniform: float,
    roles: Roles,
    names: tuple[str, str],
    texts: Mapping[str, str],
    axis: str,
) -> alt.LayerChart:
    """Draw a bar for each layer and a line at *uniform*; *texts* stand at the right."""
    order = [each.layer for each in given]
    frame = pd.DataFrame([asdict(each) | {"role": roles.compressed} for each in given])
    x = alt.X("sparsity:Q", title=axis, scale=alt.Scale(domain=[0, 1]),
              axis=alt.Axis(format=".0%", tickCount=5))  # fmt: skip
    left = alt.Y("layer:N", sort=order, title=None, axis=plain_axis(labelPadding=8))
    axis_right = plain_axis(orient="right", labelExpr=named(texts), labelPadding=8)
    right = alt.Y("layer:N", sort=order, title=None, axis=axis_right)
    colours = legend(roles, {roles.compressed: names[0], roles.original: names[1]})
    tooltip = [alt.Tooltip("layer:N", title=" "),
               alt.Tooltip("sparsity:Q", title=axis, format=".1%")]  # fmt: skip
    bars = alt.Chart(frame).mark_bar(size=24).encode(x=x, y=left, color=colours, tooltip=tooltip)
    alike = alt.Chart(pd.DataFrame([{"sparsity": uniform, "role": roles.original}]))
    line = alike.mark_rule(strokeWidth=2, strokeDash=[5, 4]).encode(x=x, color=colours)
    numbers = alt.Chart(frame).mark_bar(opacity=0).encode(y=right)
    chart: alt.LayerChart = alt.LayerChart(
        layer=[alt.layer(bars, line), numbers], height=STEP * len(order) + FRAME
    )
    chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(y="independent"))
    return chart
