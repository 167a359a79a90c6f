"""Holes or shapes: a mask leaves the matrix as large as it was; removed outputs make it smaller."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core.recipe import Prune, Recipe
from pages.shared import cached, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.lessons.speeds import speedup
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from compress_core.lessons.holes import Cell
    from compress_core.sizes import Sizes

LAYER = "fc2"
NAMES = {
    "weight": N_("Single weights"),
    "n:m": N_("Two of every four"),
    "channel": N_("Whole channels"),
}
RECIPES = {
    "weight": Recipe(steps=(Prune(sparsity=0.5),)),
    "n:m": Recipe(steps=(Prune(granularity="n:m", n_of_m="2:4"),)),
    "channel": Recipe(steps=(Prune(sparsity=0.5, granularity="channel"),)),
}
FIELDS: dict[str, dict[str, Any]] = {
    "weight": {"share": 50},
    "n:m": {"granularity": "n:m", "n_of_m": "2:4"},
    "channel": {"share": 50, "granularity": "channel"},
}
MEASURED = {"weight": "zeros", "n:m": "zeros", "channel": "channels"}
"""Granularity -> the kind of treatment whose speed was measured."""
SOURCES = (
    Formula(
        r"\textstyle\sum_{i=4g+1}^{4g+4} m_{o,i} \le 2",
        "Mishra et al.: Accelerating Sparse Deep Neural Networks. arXiv 2104.08378, 2021",
        N_("Of four neighbours of a row, at most two are kept (m = 1)."),
    ),
    Formula(
        r"s_o = \sqrt{\tfrac{1}{n}\sum_i w_{o,i}^2}",
        "Li, Kadav, Durdanovic, Samet & Graf: Pruning Filters for Efficient ConvNets. ICLR 2017",
        N_(
            "The outputs o with the smallest s go. There it is a sum of sizes, here the root of a "
            "mean square."
        ),
    ),
)


def body() -> None:
    from compress_core.lesson_charts.holes import holes_chart

    st.markdown(
        _(
            "Half of the weights go, in three ways. Each square is a weight that is kept, each "
            "dot one that is gone: **a mask is not a smaller shape.**"
        )
    )
    how = st.segmented_control(
        _("What goes"),
        list(NAMES),
        default="weight",
        required=True,
        format_func=lambda name: _(NAMES[name]),
        **keep("holes.how"),
    )
    sentence = said(how, cached.sizes(LENET, 0, RECIPES[how]))
    st.altair_chart(
        holes_chart(_corner(how), roles(), _("Inputs of a layer"), _("Its outputs")),
        key="learn.chart.holes",
        alt=sentence,
    )
    st.markdown(sentence)
    show_me(f"holes.{how}", setting(**FIELDS[how]))
    formula(*SOURCES)


def said(how: str, now: "Sizes") -> str:
    """Say what is left of the whole network, and whether it is faster."""
    macs, before = (sum(getattr(r, m) for r in now.layers) for m in ("macs", "original_macs"))
    text = _(
        "In all of LeNet-5 this leaves a file of {size} instead of {whole}, and {work} of the "
        "multiplications. "
    ).format(
        size=words.size(now.packed_bytes),
        whole=words.size(now.fp32_bytes),
        work=words.percent(macs / before, 0),
    )
    speed = speedup(MEASURED[how], "onnx")
    if how == "channel":
        why = _(
            "Removed outputs are not computed at all: with 30 % of them gone, ONNX Runtime was "
            "measured {speed} as fast."
        )
    else:
        why = _(
            "A zero is multiplied like any other number: with half of the weights zero, ONNX "
            "Runtime was measured {speed} as fast."
        )
    return text + why.format(speed=speed)


@st.cache_data(max_entries=4, show_spinner=False)
def _corner(how: str) -> "list[Cell]":
    from compress_core.lessons.holes import corner
    from compress_core.network import layer_weight

    return corner(layer_weight(cached.scenario(LENET, 0).network.module, LAYER), how)
