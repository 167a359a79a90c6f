"""Background work that one waits for: how far it is, again and again, and a way to stop it."""

from collections.abc import Callable

import streamlit as st

from compress_core.runs import Run
from pages.shared import jobs
from pages.shared.words import _

POLL = 1.0
"""Seconds between two looks at the store."""


def follow(run: Run, say: Callable[[Run], str], stop: str | None = None) -> None:
    """
    Show how far *run* is until it is over; then the page is drawn anew.

    *say* puts it into words; *stop* is the key of a button that ends it, which keeps what it has.
    """
    st.fragment(_look, run_every=POLL)(run.id, say, stop)


def _look(run_id: str, say: Callable[[Run], str], stop: str | None) -> None:
    run = jobs.find(run_id)
    if run is None or run.state not in jobs.ACTIVE:
        st.rerun()
    st.progress(run.step / run.steps if run.steps else 0.0, text=say(run))
    if stop and st.button(_("Stop"), key=stop, disabled=run.cancel_requested):
        jobs.store().request_cancel(run.id)
        st.rerun(scope="fragment")
