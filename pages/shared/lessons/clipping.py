"""Clipping or rounding: fine steps for the many, or room for the few."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from compress_core.lessons.clip import Reach

LAYER = "fc1"
NAMES = {
    "minmax": N_("everything"),
    "percentile": N_("all but the rarest"),
    "mse": N_("small error"),
    "entropy": N_("same distribution"),
}
"""Calibration -> what it aims at."""
SOURCES = (
    Formula(
        r"\frac{1}{n}\sum_i (x_i-\hat{x}_i)^2 = \frac{1}{n}\sum_{|x_i|\le c}(x_i-\hat{x}_i)^2"
        r"+\frac{1}{n}\sum_{|x_i|>c}(|x_i|-c)^2",
        "Banner, Nahshan & Soudry: Post Training 4-bit Quantization of Convolutional Networks for "
        "Rapid-Deployment. NeurIPS 2019",
        N_("The error is that of rounding and that of cutting off at c."),
    ),
    Formula(
        r"\min_c\; D_{\mathrm{KL}}\!\left(P \,\Vert\, Q_c\right)",
        "Migacz: 8-bit Inference with TensorRT. GTC 2017",
        N_("What “same distribution” looks for: the least difference of the two distributions."),
    ),
)


def body() -> None:
    from compress_core.lesson_charts.clip import clip_chart

    st.markdown(
        _(
            "A few weights are much larger than the rest. Hold them all, and the steps between "
            "values get coarse for everybody; **cut the largest off**, and the steps get finer. "
            "Choosing the range is called calibration."
        )
    )
    bits = st.slider(_("Bits"), 2, 8, 4, **keep("clipping.bits"))
    reaches, picked, power = _found(bits)
    sentence = said(picked, power, bits)
    st.altair_chart(
        clip_chart(
            reaches,
            {_(NAMES[name]): reach for name, reach in distinct(picked).items()},
            power,
            roles(),
            _("lost by rounding"),
            _("lost by cutting off"),
            (_("Range, as a share of the largest weight"), _("Error, as a share of the energy")),
        ),
        key="learn.chart.clipping",
        alt=sentence,
    )
    st.markdown(sentence)
    show_me("clipping", setting(weight_bits=bits, scale="per_tensor", calibration="mse"))
    formula(*SOURCES)


def said(picked: "dict[str, Reach]", power: float, bits: int) -> str:
    """Say what the best range saves."""
    whole, best = picked["minmax"].error, picked["mse"]
    return _(
        "Holding every weight of this layer in {bits} bits loses {whole} of the energy. A range "
        "of {share} cuts {clipped} of the weights off and loses {best}."
    ).format(
        bits=bits,
        whole=words.percent(whole.mse / power, 2),
        share=words.percent(best.share, 0),
        clipped=words.percent(best.error.clipped, 2),
        best=words.percent(best.error.mse / power, 2),
    )


def distinct(picked: "dict[str, Reach]") -> "dict[str, Reach]":
    """Return the calibrations that pick different ranges: names on each other say nothing."""
    found: dict[str, Reach] = {}
    for name in ("minmax", "mse", "percentile", "entropy"):
        if all(abs(picked[name].share - other.share) > 0.06 for other in found.values()):
            found[name] = picked[name]
    return found


@st.cache_data(max_entries=8, show_spinner=False)
def _found(bits: int) -> "tuple[tuple[Reach, ...], dict[str, Reach], float]":
    from compress_core.lessons.clip import calibrated, reaches
    from compress_core.network import layer_weight

    weight = layer_weight(cached.scenario(LENET, 0).network.module, LAYER)
    return reaches(weight, bits), calibrated(weight, bits), float(weight.double().square().mean())
