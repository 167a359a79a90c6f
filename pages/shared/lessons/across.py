"""Across layers: the same share of all weights, taken in four ways."""

from typing import TYPE_CHECKING

import streamlit as st

from compress_core.recipe import Prune, Recipe
from pages.shared import cached, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from compress_core.lessons.shares import Given

NAMES = {
    "uniform": N_("Same share"),
    "global": N_("Least anywhere"),
    "lamp": N_("LAMP"),
    "erk": N_("ERK"),
}
SOURCES = (
    Formula(
        r"\mathrm{LAMP}(w_u) = \frac{w_u^2}{\sum_{|w_v| \ge |w_u|} w_v^2}",
        "Lee, Park, Mo, Ahn & Shin: Layer-adaptive Sparsity for the Magnitude-based Pruning. "
        "ICLR 2021",
        N_("A weight counts against all that are no smaller; all layers are ranked together."),
    ),
    Formula(
        r"d \propto \frac{n_{\text{in}}+n_{\text{out}}+k_w+k_h}"
        r"{n_{\text{in}}\, n_{\text{out}}\, k_w\, k_h}",
        "Evci, Gale, Menick, Castro & Elsen: Rigging the Lottery. ICML 2020",
        N_("ERK: the share d that stays follows the sides of a layer's weight."),
    ),
)


def body() -> None:
    from compress_core.lesson_charts.shares import shares_chart
    from compress_core.lessons.shares import given

    st.markdown(
        _(
            "Layers are not alike: the first sees the picture and has few weights, a large one in "
            "the middle has plenty to spare. How the same total is **spread across layers** "
            "decides how much survives."
        )
    )
    left, right = st.columns(2, gap="medium")
    how = left.segmented_control(
        _("Spread"), list(NAMES), default="lamp", required=True,
        format_func=lambda name: _(NAMES[name]), **keep("across.how"),
    )  # fmt: skip
    share = right.slider(
        _("Share of weights to remove"), 30, 98, 90, format="%d %%", **keep("across.share")
    )
    network = cached.scenario(LENET, 0).network
    found = given(network, share / 100, how)
    sentence = said(how, share, found)
    st.altair_chart(
        shares_chart(
            found,
            share / 100,
            roles(),
            (_(NAMES[how]), _(NAMES["uniform"])),
            {
                each.layer: _("{left} of {all} stay").format(
                    left=f"{round(each.weights * (1 - each.sparsity)):,}", all=f"{each.weights:,}"
                )
                for each in found
            },
            _("Share of the layer that goes"),
        ),
        key="learn.chart.across",
        alt=sentence,
    )
    st.markdown(sentence)
    show_me("across", setting(share=share, allocation=how))
    formula(*SOURCES)


def said(how: str, share: int, found: "tuple[Given, ...]") -> str:
    """Say who gives most, and what each way of spreading leaves of the accuracy."""
    most, least = (pick(found, key=lambda each: each.sparsity) for pick in (max, min))
    worths = {name: cached.worth(LENET, 0, _recipe(share, name)) for name in NAMES}
    told = ", ".join(
        f"{_(NAMES[name])} {words.percent(worth.accuracy.value)}" for name, worth in worths.items()
    )
    if how == "uniform":
        text = _("Every layer gives {share}.").format(share=words.percent(share / 100, 0))
    else:
        text = _("{most} gives {high}, {least} only {low}.").format(
            most=most.layer, high=words.percent(most.sparsity, 0),
            least=least.layer, low=words.percent(least.sparsity, 0),
        )  # fmt: skip
    measured = worths[how].accuracy
    return _("{text} Accuracy with {share} gone: {told} (measured on {samples}).").format(
        text=text,
        share=words.percent(share / 100, 0),
        told=told,
        samples=words.samples(measured.n, "validation"),
    )


def _recipe(share: int, how: str) -> Recipe:
    return Recipe(steps=(Prune(sparsity=share / 100, allocation=how),))  # type: ignore[arg-type]
