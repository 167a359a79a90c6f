"""Which of my runs? Accuracy over size, one point each; a click brings a run back."""

import streamlit as st

from pages.shared import compare, frame, jobs, run_rows
from pages.shared.words import _

POLL = 2.0
"""Seconds between two looks at the store while a run is active."""


def no_runs() -> None:
    st.title(_("No runs yet"), anchor=False)
    st.markdown(
        _(
            "A run is one recipe, trained on. Compress a network in Explore, win its accuracy back "
            "in Recover, and each run becomes a point here: how small, how good."
        )
    )
    if st.button(_("Go to Explore"), type="primary", key="compare.begin"):
        st.switch_page(frame.EXPLORE)


def body(worn: str, was_active: bool) -> None:
    runs = jobs.store().list()
    if any(run.state in jobs.ACTIVE for run in runs) != was_active or not runs:
        st.rerun()
    top = st.container()
    rows = compare.network_choice(run_rows.rows_of(runs), worn)
    chosen = compare.chosen_of(rows)
    compare.chart(rows, chosen)
    compare.table(rows, chosen)
    compare.actions(chosen)
    with top:
        compare.open_button(compare.tag_of(chosen), chosen)


worn = frame.begin(frame.COMPARE, _("Compare"))
runs = jobs.store().list()
if runs:
    active = any(run.state in jobs.ACTIVE for run in runs)
    st.fragment(body, run_every=POLL if active else None)(worn.scenario, active)
else:
    no_runs()
jobs.engine()  # takes up what an earlier life of the app left waiting
