"""Quantization: number lines to drag a weight along, for four kinds of grids beside each other."""

from math import isinf
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from torch import Tensor

    from compress_core.lessons.number_line import Line

LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")
NAMES = {
    "symmetric": N_("Even steps around zero"),
    "affine": N_("Even steps, zero moved"),
    "codebook": N_("Found in the weights"),
    "power_of_two": N_("Powers of two"),
}
FIELDS: dict[str, dict[str, str]] = {
    "symmetric": {"scheme": "symmetric"},
    "affine": {"scheme": "affine"},
    "codebook": {"grid": "codebook"},
    "power_of_two": {"grid": "power_of_two"},
}
PROBES = 241
"""Places along the line that a weight can be dragged to."""
SOURCES = (
    Formula(
        r"q = \operatorname{clamp}\!\left(\operatorname{round}\!\left(\tfrac{x}{s}\right) + z,\;"
        r"q_{\min},\; q_{\max}\right)\qquad \hat{x} = (q - z)\,s",
        "Jacob et al.: Quantization and Training of Neural Networks for Efficient "
        "Integer-Arithmetic-Only Inference. CVPR 2018",
        N_("q: the code that is stored, s: scale (the width of a step), z: zero point."),
    ),
    Formula(
        r"\mathrm{SQNR} = 10\,\log_{10}\frac{\sum_i x_i^2}{\sum_i (x_i-\hat{x}_i)^2}\;\mathrm{dB}",
        "Lin, Talathi & Annapureddy: Fixed Point Quantization of Deep Convolutional Networks. "
        "ICML 2016",
    ),
    Formula(
        r"\hat{x} \in \{c_1,\ldots,c_{2^b}\},\; \min_c \sum_i \min_k (x_i - c_k)^2"
        r"\qquad \hat{x} \in \{0, \pm 2^{-i}\}\cdot s",
        "Han, Mao & Dally: Deep Compression. ICLR 2016 · Miyashita, Lee & Murmann: Convolutional "
        "Neural Networks using Logarithmic Data Representation. 2016",
        N_("A table of values, found by k-means; and powers of two."),
    ),
)


def body() -> None:
    from compress_core.lesson_charts.number_line import number_line_chart

    st.markdown(
        _(
            "With few bits a weight can take few values: the ticks. It moves to the nearest one. "
            "**Drag along a line** and see where a weight lands; the cloud behind shows where the "
            "real weights of this layer are."
        )
    )
    layer, bits, (low, high) = _controls()
    weight = _weight(layer)
    edge = 1.05 * max(abs(float(weight.min())), abs(float(weight.max())))
    probes = [edge * (2 * i / (PROBES - 1) - 1) for i in range(PROBES)]
    lines = _lines(layer, bits, low, high, tuple(probes))
    sentence = said(lines, bits)
    st.altair_chart(
        number_line_chart(
            lines,
            probes,
            probes[round(0.62 * PROBES)],
            weight.flatten()[:: max(1, weight.numel() // 5000)].tolist(),
            (-edge, edge),
            roles(),
            {name: _(text) for name, text in NAMES.items()},
            {line.kind: decibel(line) for line in lines},
            _("Value of a weight"),
        ),
        key="learn.chart.rounding",
        alt=sentence,
    )
    st.markdown(sentence)
    best = max(lines, key=lambda line: line.error.sqnr_db)
    show_me("rounding", setting(weight_bits=bits, scale="per_tensor", **FIELDS[best.kind]))
    formula(*SOURCES)


def said(lines: "tuple[Line, ...]", bits: int) -> str:
    """Say which grid is nearest to the weights, and what the even steps look like."""
    by_kind = {line.kind: line for line in lines}
    affine, best = by_kind["affine"], max(lines, key=lambda line: line.error.sqnr_db)
    return _(
        "With {bits} bits there are {count} values. Even steps with zero moved are {scale} wide, "
        "and zero is code {zero}. Nearest to the real weights comes “{best}”: signal {sqnr} above "
        "the rounding error, a mean square error of {mse}."
    ).format(
        bits=bits,
        count=2**bits,
        scale=words.three(affine.scale),
        zero=f"{affine.zero_point:d}".replace("-", words.MINUS),
        best=_(NAMES[best.kind]),
        sqnr=decibel(best),
        mse=f"{best.error.mse:.1e}",
    )


def decibel(line: "Line") -> str:
    """Return signal over error as text."""
    return _("no error") if isinf(line.error.sqnr_db) else f"{line.error.sqnr_db:.1f} dB"


def _controls() -> tuple[str, int, tuple[float, float]]:
    first, second, third = st.columns([3, 4, 5], gap="medium")
    layer = first.selectbox(_("Weights of"), LAYERS, index=2, **keep("rounding.layer"))
    bits = second.slider(
        _("Bits"), 2, 8, 4, help=_("Each bit more doubles the number of values."),
        **keep("rounding.bits"),
    )  # fmt: skip
    weight = _weight(layer)
    ends = float(weight.min()), float(weight.max())
    low, high = third.slider(
        _("Range to hold, in percent of the weights' own"),
        -100,
        100,
        (-100, 100),
        format="%d %%",
        help=_(
            "From the smallest weight (−100) to the largest (100). Scale and zero point follow "
            "from it; the table of values picks its own."
        ),
        **keep("rounding.range"),
    )
    return layer, bits, (-abs(ends[0]) * max(0.01, -low / 100), ends[1] * max(0.01, high / 100))


@st.cache_resource(max_entries=8, show_spinner=False)
def _weight(layer: str) -> "Tensor":
    from compress_core.network import layer_weight

    return layer_weight(cached.scenario(LENET, 0).network.module, layer)


@st.cache_data(max_entries=64, show_spinner=False)
def _lines(
    layer: str, bits: int, low: float, high: float, probes: tuple[float, ...]
) -> "tuple[Line, ...]":
    from compress_core.lessons.number_line import number_lines

    return number_lines(_weight(layer), low, high, bits, probes)
