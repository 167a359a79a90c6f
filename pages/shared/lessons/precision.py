"""Mixed precision: what 16 bits make of real gradients, and what a scaled loss saves."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from torch import Tensor

    from compress_core.lessons.underflow import Kept

LOW, HIGH = -40, 0
"""Exponents that the picture shows; smaller gradients are counted at its left edge."""
SMALLEST = {"float16": -24, "bfloat16": -133}
SMALLEST_EXACT = {"float16": -14, "bfloat16": -126}
LARGEST = {"float16": 16, "bfloat16": 128}
"""Exponents of the first number that is too large."""
SOURCES = (
    Formula(
        r"g = \frac{1}{2^k}\,\nabla_w\!\left(2^k\, L\right)",
        "Micikevicius et al.: Mixed Precision Training. ICLR 2018",
        N_("L: loss, g: the gradient that moves a weight w."),
    ),
    Formula(
        r"\text{float16: } 2^{-24} \le |x| < 2^{16}\qquad "
        r"\text{bfloat16: } 2^{-133} \le |x| < 2^{128}",
        "IEEE 754-2008 · Kalamkar et al.: A Study of BFLOAT16 for Deep Learning Training. 2019",
        N_("float16 has 11 binary digits, bfloat16 has 8; the smallest numbers have fewer."),
    ),
)


def body() -> None:
    from compress_core.lesson_charts.underflow import underflow_chart
    from compress_core.lessons.underflow import exponents, kept

    st.markdown(
        _(
            "Training computes for each weight a gradient: which way, and how far, it should move. "
            "Many are tiny. In 16 bits arithmetic is faster, but **what is too small becomes "
            "zero**. Multiplying the loss moves all of them to the right; afterwards it is divided "
            "out again."
        )
    )
    left, right = st.columns(2, gap="medium")
    dtype = left.segmented_control(
        _("Numbers"), ["float16", "bfloat16"], default="float16", required=True,
        help=_("float16 has more digits, bfloat16 a wider range."), **keep("precision.dtype"),
    )  # fmt: skip
    scale = right.slider(
        _("Multiply the loss by 2 to the power of"), 0, 24, 0, **keep("precision.scale")
    )
    found = _gradients()
    now, plain = kept(found, dtype, scale), kept(found, dtype, 0)
    sentence = said(len(found), dtype, scale, now, plain)
    ends = [
        (SMALLEST[dtype], _("smallest")),
        (SMALLEST_EXACT[dtype], _("smallest with all digits")),
        (LARGEST[dtype], _("too large")),
    ]
    st.altair_chart(
        underflow_chart(
            exponents(found, LOW, HIGH),
            LOW,
            scale,
            ends,
            roles(),
            (_("as they are"), _("as they arrive"), _("become zero")),
            (_("Size of a gradient"), _("Share of the gradients")),
        ),
        key="learn.chart.precision",
        alt=sentence,
    )
    st.markdown(sentence)
    show_me(
        "precision",
        setting(share=60, weight_bits=4, activation_bits=8),
        _("Train with mixed precision"),
        {"amp": True},
    )
    formula(*SOURCES)


def said(count: int, dtype: str, scale: int, now: "Kept", plain: "Kept") -> str:
    """Say what is lost with this scale and without any."""
    text = _(
        "Of {count} gradients of LeNet-5 for one batch of 128 garments, {vanished} become zero in "
        "{dtype}"
    ).format(count=f"{count:,}", vanished=words.percent(now.vanished, 2), dtype=dtype)
    if scale:
        text += _(" when the loss is multiplied by {factor}, instead of {plain}").format(
            factor=f"{2**scale:,}", plain=words.percent(plain.vanished, 2)
        )
    if now.overflown:
        text += _("; {over} are now too large, and such a step has to be skipped").format(
            over=words.percent(now.overflown, 2)
        )
    return text + _(". Half of the others are off by more than {error}.").format(
        error=words.percent(now.error, 3)
    )


@st.cache_resource(show_spinner=False)
def _gradients() -> "Tensor":
    from compress_core.lessons.underflow import gradients

    scenario = cached.scenario(LENET, 0)
    return gradients(scenario.network, scenario.data.train)
