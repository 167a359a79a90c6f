"""The live meter: before and after in numbers, and on how many samples they are measured."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import tables
from pages.shared import words as w
from pages.shared.cached import QUICK
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.worth import Worth


_EVERYTHING = "explore.everything"


def samples(total: int) -> int | None:
    """Return on how many of *total* validation samples to measure; None is all of them."""
    return None if total <= QUICK or st.session_state.get(_EVERYTHING) else QUICK


def sample_choice(total: int) -> None:
    """Let the user measure on all validation samples, where the meter takes the first alone."""
    if total > QUICK:
        st.toggle(
            _("Measure on all {total} validation samples").format(total=f"{total:,}"),
            key=_EVERYTHING,
            persist_state="session",
            help=_("Takes longer and gives a narrower interval. The test samples stay untouched."),
        )


def before_after(was: "Worth", now: "Worth") -> None:
    """Show what a compression changed; *was* and *now* are measured on the same samples."""
    counts = [
        (_("Parameters"), was.parameters, now.parameters),
        (_("Not zero"), was.nonzero, now.nonzero),
        (_("Multiplications"), was.macs, now.macs),
    ]
    rows = [
        (
            _("File"),
            w.size(was.fp32_bytes),
            w.size(now.packed_bytes),
            w.change(was.fp32_bytes, now.packed_bytes),
        ),
        (
            _("Accuracy"),
            w.accuracy(was.accuracy),
            w.accuracy(now.accuracy),
            w.points(now.accuracy.value - was.accuracy.value),
        ),
        *((name, w.amount(b), w.amount(a), w.change(b, a)) for name, b, a in counts),
    ]
    header = [" ", f":blue[{_('Before')}]", f":orange[{_('After')}]", _("Change")]
    tables.facts(rows, header, alt=_("The network before and after compression"))
    st.badge(w.measured_on(now.accuracy, now.part), color="gray")
