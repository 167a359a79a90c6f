"""The corner of a matrix: large squares are kept, dots are gone."""

from collections.abc import Sequence
from dataclasses import asdict

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import FRAME, legend, plain_axis
from compress_core.lessons.holes import Cell
from compress_core.roles import Roles

STEP = 14
"""Pixels from one output to the next."""


def holes_chart(cells: Sequence[Cell], roles: Roles, inputs: str, outputs: str) -> alt.Chart:
    """Draw one mark for each weight: outputs are rows, inputs columns."""
    frame = pd.DataFrame(
        [asdict(c) | {"role": roles.compressed if c.kept else roles.gone} for c in cells]
    )
    bare = plain_axis(labels=False)
    rows = frame["output"].nunique()
    chart: alt.Chart = (
        alt.Chart(frame, height=STEP * rows + FRAME)
        .mark_square(opacity=1)
        .encode(
            x=alt.X("input:O", title=inputs, axis=bare),
            y=alt.Y("output:O", title=outputs, axis=bare),
            size=alt.condition("datum.kept", alt.value(150), alt.value(9)),
            opacity=alt.condition(
                "datum.kept",
                alt.Opacity("size:Q", scale=alt.Scale(range=[0.45, 1]), legend=None),
                alt.value(0.9),
            ),
            color=legend(roles, {roles.compressed: roles.compressed, roles.gone: roles.gone}),
        )
    )
    return chart
