"""Entropy coding: what occurs often gets a short code, so uneven codes make a small file."""

from typing import TYPE_CHECKING

import streamlit as st

from compress_core.recipe import Prune, Quantize, Recipe, Step
from pages.shared import cached, tables, words
from pages.shared.lessons.parts import LENET, Formula, formula, keep, setting, show_me
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from compress_core.lessons.coding import Coded

LAYER = "fc1"
SOURCES = (
    Formula(
        r"H = -\sum_q p_q \log_2 p_q",
        "Shannon: A Mathematical Theory of Communication. 1948",
        N_("p: how often a code occurs, H: bits for each."),
    ),
    Formula(
        r"B \approx n\,H / 8",
        "Duda: Asymmetric numeral systems. arXiv 1311.2540, 2013",
        N_("B: bytes of n codes, reached by this coder, which writes our packed files."),
    ),
)


def body() -> None:
    from compress_core.lesson_charts.coding import coding_chart

    st.markdown(
        _(
            "After rounding, a layer is a row of small whole numbers, its codes. Zero is frequent, "
            "the outermost are rare. **What is frequent gets few bits**, what is rare gets many: "
            "this is where pruning makes a file smaller."
        )
    )
    left, right = st.columns(2, gap="medium")
    bits = left.slider(_("Bits"), 2, 8, 4, **keep("coding.bits"))
    share = right.slider(
        _("Share of weights to remove"), 0, 95, 50, format="%d %%", **keep("coding.share")
    )
    found = _coded(bits, share)
    sentence = said(found, bits)
    picture, numbers = st.columns([3, 2], gap="large")
    with picture:
        st.altair_chart(
            coding_chart(
                found,
                roles(),
                (_("kept"), _("zero")),
                (_("Code"), _("Share of the codes")),
            ),
            key="learn.chart.coding",
            alt=sentence,
        )
    with numbers:
        tables.facts(
            [
                (_("A byte each"), words.size(found.plain_bytes)),
                (_("{bits} bit each").format(bits=bits), words.size(found.tight_bytes)),
                (_("Zipped, measured"), words.size(found.zipped_bytes)),
                (_("In theory"), f"≈ {words.size(found.theory_bytes)}"),
                (_("Packed, measured"), words.size(found.packed_bytes)),
            ],
            alt=sentence,
        )
    st.markdown(sentence)
    show_me("coding", setting(share=share, weight_bits=bits))
    formula(*SOURCES)


def said(found: "Coded", bits: int) -> str:
    """Say what the codes need, and what the file takes."""
    text = _(
        "Zero is {zero} of the codes, so one code needs {entropy} bits on average instead of "
        "{bits}: {theory} in theory. Our file takes {packed}, a zip file {zipped}."
    ).format(
        zero=words.percent(found.counts.get(0, 0) / found.plain_bytes),
        entropy=f"{found.entropy:.2f}",
        bits=bits,
        theory=words.size(found.theory_bytes),
        packed=words.size(found.packed_bytes),
        zipped=words.size(found.zipped_bytes),
    )
    if found.packed_bytes < found.theory_bytes:
        text += " " + _(
            "It can be smaller than this theory, which knows only how often a code occurs: "
            "the weights of one row are alike, and our coder notices."
        )
    return text


@st.cache_data(max_entries=128, show_spinner=False)
def _coded(bits: int, share: int) -> "Coded":
    from compress_core.compress import compress
    from compress_core.lessons.coding import coded

    pruned: tuple[Step, ...] = (Prune(sparsity=share / 100, layers=LAYER),) if share else ()
    recipe = Recipe(steps=(*pruned, Quantize(weight_bits=bits, layers=LAYER)))
    return coded(compress(cached.scenario(LENET, 0).network, recipe), LAYER)
