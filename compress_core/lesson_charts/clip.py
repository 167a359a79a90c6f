"""What a range costs: what is rounded and what is cut off, over how far it reaches."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from compress_core.lesson_charts.marks import colour, legend
from compress_core.lessons.clip import Reach
from compress_core.roles import Roles

HEIGHT = 400


def clip_chart(
    reaches: Sequence[Reach],
    picked: Mapping[str, Reach],
    power: float,
    roles: Roles,
    rounding: str,
    clipping: str,
    axes: tuple[str, str],
) -> alt.LayerChart:
    """
    Draw both errors on each other, as shares of *power* (the mean square of the weights).

    *picked* are named points: the ranges that calibrations choose.
    """
    rows = [
        {"share": reach.share, "error": part / power, "role": role, "order": place}
        for reach in reaches
        for place, (role, part) in enumerate(
            ((roles.gone, reach.error.clipping), (roles.compressed, reach.error.rounding))
        )
    ]
    most = 1.15 * max(r.error.mse for r in (*picked.values(), reaches[0])) / power
    ends = [reaches[-1].share, reaches[0].share]
    x = alt.X("share:Q", title=axes[0], axis=alt.Axis(format=".0%", grid=False),
              scale=alt.Scale(domain=ends, nice=False))  # fmt: skip
    y = alt.Y("error:Q", title=axes[1], stack="zero",
              axis=alt.Axis(format=".1%" if most < 0.1 else ".0%", tickCount=5),
              scale=alt.Scale(domain=[0, most], clamp=True))  # fmt: skip
    areas = (
        alt.Chart(pd.DataFrame(rows))
        .mark_area(clip=True)
        .encode(
            x=x, y=y, order=alt.Order("order:Q"),
            color=legend(roles, {roles.compressed: rounding, roles.gone: clipping}),
        )
    )  # fmt: skip
    points = pd.DataFrame(
        [
            {"share": reach.share, "error": reach.error.mse / power, "text": name,
             "role": roles.original}
            for name, reach in picked.items()
        ]
    )  # fmt: skip
    marked = alt.Chart(points).encode(
        x=x, y=alt.Y("error:Q", stack=None, scale=alt.Scale(domain=[0, most]), title=axes[1]),
        color=colour(roles),
    )  # fmt: skip
    layers = [
        areas,
        marked.mark_point(filled=True, opacity=1, size=140),
        marked.mark_text(dy=-16, fontSize=13, fontWeight=600).encode(text="text:N"),
    ]
    return alt.LayerChart(layer=layers, height=HEIGHT)
