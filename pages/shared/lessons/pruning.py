"""Pruning: small weights go, and threshold, share and energy are three views of one line."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from compress_core.lessons.thinning import Thinned

LAYER = "fc1"
HAN = Formula(
    r"m_i = \begin{cases}1 & |w_i| \ge t\\0 & |w_i| < t\end{cases}\qquad "
    r"E = \frac{\sum_i m_i\,w_i^2}{\sum_i w_i^2}",
    "Han, Pool, Tran & Dally: Learning both Weights and Connections for Efficient Neural "
    "Networks. NeurIPS 2015",
    N_("m: kept or not, t: the line, E: energy that is left."),
)


def body() -> None:
    from compress_core.lesson_charts.thinning import thinning_chart

    st.markdown(
        _(
            "A weight says how much one value counts for the next. Most are close to zero: "
            "whatever they are multiplied with, little comes out. Pruning sets the smallest ones "
            "to zero."
        )
    )
    share = st.slider(
        _("Share of weights to remove"), 0, 99, 60, format="%d %%", **keep("pruning.share")
    )
    found = _thinned(share)
    sentence = said(found)
    st.altair_chart(
        thinning_chart(
            found,
            roles(),
            _("Size of a weight, without its sign"),
            _("Weights"),
            _("the line: {cut}").format(cut=words.three(found.cut)),
        ),
        key="learn.chart.pruning",
        alt=sentence,
    )
    st.markdown(sentence)
    show_me("pruning", setting(share=share))
    formula(HAN)


def said(found: "Thinned") -> str:
    """Say what the picture shows."""
    if not found.cut:
        return _("Nothing is removed yet: all weights are right of the line.")
    return _(
        "{share} of the weights of one layer are smaller than {cut} and go; what is left keeps "
        "{energy} of the energy (the sum of all squares). Had chance picked them, about {chance} "
        "would be left."
    ).format(
        share=words.percent(found.share),
        cut=words.three(found.cut),
        energy=words.percent(found.energy),
        chance=words.percent(1 - found.share),
    )


@st.cache_data(max_entries=128, show_spinner=False)
def _thinned(percent: int) -> "Thinned":
    from compress_core.lessons.thinning import thinned
    from compress_core.network import layer_weight

    return thinned(layer_weight(cached.scenario(LENET, 0).network.module, LAYER), percent / 100)
