"""Distillation: the original's doubts teach more than the label does."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached, sample_browser, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from torch import Tensor

    from compress_core.lessons.soft import Soft

SAMPLES = 6
HINTON = Formula(
    r"p_k = \frac{e^{z_k/T}}{\sum_j e^{z_j/T}}\qquad "
    r"L = (1-\alpha)\,H(y, p^{T=1}) + \alpha\,T^2\,D_{\mathrm{KL}}(p^{\ast}\,\Vert\,p)",
    "Hinton, Vinyals & Dean: Distilling the Knowledge in a Neural Network. 2015",
    N_(
        "z: outputs, T: temperature, y: label, H: cross-entropy, p*: the original's answer, α: how "
        "much it counts."
    ),
)


def body() -> None:
    from compress_core.lesson_charts.soft import soft_chart
    from compress_core.lessons.soft import soften

    st.markdown(
        _(
            "A label says one word. The original network says more: what else it might be, and how "
            "likely. **Temperature** makes the faint part of its answer visible. A compressed "
            "network that learns from it hears what resembles what."
        )
    )
    left, right = st.columns([3, 7], gap="large")
    with left:
        number = st.segmented_control(
            _("Garment"), range(1, SAMPLES + 1), default=1, required=True,
            **keep("distillation.sample"),
        )  # fmt: skip
        index = _torn()[number - 1]
        part = cached.scenario(LENET, 0).data.validation
        sample_browser.look(LENET, part.x[index], _("The garment"))
    with right:
        temperature = st.slider(
            _("Temperature"),
            1.0,
            20.0,
            4.0,
            step=0.5,
            format="%.1f",
            **keep("distillation.temperature"),
        )
        logits = _logits(index)
        soft, plain = soften(logits, temperature), soften(logits, 1.0)
        labels = [_(name) for name in cached.scenario(LENET, 0).data.labels]
        label = int(part.y[index])
        sentence = said(labels, label, temperature, soft, plain)
        st.altair_chart(
            soft_chart(
                labels,
                soft.probabilities,
                label,
                roles(),
                _("the label"),
                _("the original's answer, softened"),
                _("Probability"),
            ),
            key="learn.chart.distillation",
            alt=sentence,
        )
    st.markdown(sentence)
    show_me(
        "distillation",
        setting(share=70, weight_bits=3),
        _("Learn from the original"),
        {"teacher": 0.5, "temperature": temperature},
    )
    formula(HINTON)


def said(labels: list[str], label: int, temperature: float, soft: "Soft", plain: "Soft") -> str:
    """Say what the softened answer knows that the label does not."""
    others = sorted(
        (k for k in range(len(labels)) if k != label), key=lambda k: -soft.probabilities[k]
    )
    return _(
        "The label says “{label}” and nothing else. At temperature {temperature} the original "
        "gives it {own}, “{second}” {p2} and “{third}” {p3}: {bits} bits of doubt, where its plain "
        "answer has {plain}."
    ).format(
        label=labels[label],
        temperature=f"{temperature:g}",
        own=words.percent(soft.probabilities[label], 0),
        second=labels[others[0]],
        p2=words.percent(soft.probabilities[others[0]], 0),
        third=labels[others[1]],
        p3=words.percent(soft.probabilities[others[1]], 0),
        bits=words.three(soft.bits),
        plain=words.three(plain.bits),
    )


@st.cache_data(show_spinner=False)
def _torn() -> list[int]:
    from compress_core.lessons.soft import torn

    scenario = cached.scenario(LENET, 0)
    return torn(scenario.network, scenario.data.validation, SAMPLES)


@st.cache_resource(max_entries=16, show_spinner=False)
def _logits(index: int) -> "Tensor":
    from compress_core.lessons.soft import logits_of

    scenario = cached.scenario(LENET, 0)
    return logits_of(scenario.network, scenario.data.validation, index)
