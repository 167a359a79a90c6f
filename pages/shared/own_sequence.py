"""Weights whose layers had to be guessed: the samples decide between the sequences that fit."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import own_desk as desks
from pages.shared import own_network, words
from pages.shared.own_data import Ready
from pages.shared.own_desk import Desk
from pages.shared.words import _, ngettext

if TYPE_CHECKING:
    from compress_core.data import Part

SAMPLES = 500
"""That decide, where there are as many."""


def step(desk: Desk, ready: Ready) -> None:
    """Say how the sequences that fit do on the samples; the best one is taken, unless corrected."""
    proposals = desk.opinion.findings.proposals if desk.opinion and desk.rows else ()
    part = _part(ready)
    if len(proposals) < 2 or part is None or desk.shape is None:
        return
    from compress_core.consult import weigh

    key = ("sequences", desk.shape, desk.data, desk.choices, str(ready.scaling))
    job = desk.ask(key, partial(weigh, desk.file, desk.shape, proposals, part))
    text = _("Asking each sequence of layers that fits about the samples …")
    found: tuple[float, ...] | None = desks.outcome(job, text)
    if found is None:
        return
    best = max(range(len(found)), key=found.__getitem__)
    if desk.rows == proposals[0] and found[best] > found[0]:
        desk.rows = proposals[best]
        st.rerun()
    st.markdown(told(found, len(part)))
    with st.expander(_("The layers, to be corrected")), st.form("own.sequence", border=False):
        rows = own_network.table(desk, proposals)
        if st.form_submit_button(_("Build it"), key="own.sequence.build") and rows != desk.rows:
            desk.rows = rows
            st.rerun()


def told(found: tuple[float, ...], samples: int) -> str:
    """Say which of several sequences names most samples rightly, and how close it was."""
    first, second = sorted(found, reverse=True)[:2]
    tied = sum(share == first for share in found)
    if tied > 1:
        return ngettext(
            "{n} sequence of layers fits the weights, and the samples cannot decide: {tied} name "
            "{share} of {samples} rightly.",
            "{n} sequences of layers fit the weights, and the samples cannot decide: {tied} name "
            "{share} of {samples} rightly.",
            len(found),
        ).format(n=len(found), tied=tied, share=words.percent(first), samples=f"{samples:,}")
    return ngettext(
        "{n} sequence of layers was asked about {samples} samples: the best names {share} rightly, "
        "the next {other}.",
        "{n} sequences of layers were asked about {samples} samples: the best names {share} "
        "rightly, the next {other}.",
        len(found),
    ).format(
        n=len(found),
        samples=f"{samples:,}",
        share=words.percent(first),
        other=words.percent(second),
    )


def _part(ready: Ready) -> "Part | None":
    """Return the labelled samples that decide: never those of the test part."""
    if ready.samples is None or ready.samples.data.against != "labels":
        return None
    data = ready.samples.data
    part = data.validation if len(data.validation) >= len(data.train) else data.train
    if ready.scaling is not None:
        part = replace(part, mean=ready.scaling.mean, std=ready.scaling.std)
    return part.head(SAMPLES) if len(part) else None
