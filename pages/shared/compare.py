"""What Compare draws: the picture of all runs, their table, and what to do with one of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from compress_core.trade_off import TradeOffWords, trade_off_chart
from pages.shared import frame, jobs, reopen, run_rows, run_words, tag, words
from pages.shared.retell import tell
from pages.shared.run_rows import Row
from pages.shared.words import _, roles

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

ALL = ""
"""Stands for all networks in the filter."""
CHOSEN, FILTER, TURN = "compare.run", "compare.network", "compare.turn"
CHART, SHOWN = "compare.chart", "compare.shown"


def network_choice(rows: Sequence[Row], worn: str) -> list[Row]:
    """Let the user pick one network; returns its runs. One network alone needs no choice."""
    names = sorted({row.run.scenario for row in rows})
    if len(names) == 1:
        return list(rows)
    st.session_state.setdefault(FILTER, worn if worn in names else rows[0].run.scenario)
    if st.session_state[FILTER] not in (*names, ALL):
        st.session_state[FILTER] = ALL
    chosen = st.segmented_control(
        _("Network"),
        [*names, ALL],
        format_func=lambda name: words.network(name) if name else _("All"),
        required=True,
        key=FILTER,
        persist_state="session",
        help=_("Accuracies of different data sets are not to be compared with each other."),
    )
    return [row for row in rows if chosen in (ALL, row.run.scenario)]


def chosen_of(rows: Sequence[Row]) -> Row:
    """Return the run that was clicked; before any click, the newest that has a result."""
    wanted = st.session_state.get(CHOSEN)
    with_result = [row for row in rows if row.result is not None]
    return next((row for row in rows if row.run.id == wanted), (with_result or list(rows))[0])


def chart(rows: Sequence[Row], chosen: Row) -> None:
    """Draw accuracy over size; a click on a point chooses its run."""
    points = run_rows.points(rows)
    sentence = run_rows.takeaway(rows)
    if len(points) > 1:
        states = [
            _("Original"),
            *map(_, (run_words.STATES["finished"], run_words.STATES["cancelled"])),
        ]
        st.altair_chart(
            trade_off_chart(points, roles(), _labels(rows), states, chosen.run.id),
            key=CHART,
            on_select=_point_clicked,
            selection_mode="run",
            alt=sentence,
        )
    st.caption(sentence)


def table(rows: Sequence[Row], chosen: Row) -> None:
    """Show all runs with their numbers in line; a click on a row chooses it."""
    frame_ = pd.DataFrame([run_rows.cells(row, run_rows.against(rows)) for row in rows])
    several = frame_[_("Network")].nunique() > 1
    if not several:
        frame_ = frame_.drop(columns=_("Network"))
    formats: Any = {
        _(name): spec for name, spec in run_rows.FORMATS.items() if _(name) in frame_.columns
    }
    marked: Any = {"selection": {"rows": [[row.run.id for row in rows].index(chosen.run.id)]}}
    # A new table for other rows, and after a click on a point, or another row would stay marked.
    turn = st.session_state.get(TURN, 0)
    key = f"compare.table.{turn}.{st.session_state.get(FILTER, ALL)}.{len(rows)}"
    st.session_state[SHOWN] = key, [row.run.id for row in rows]
    columns: Any = {
        _("Run"): st.column_config.NumberColumn(width=60),
        _("Recipe"): st.column_config.TextColumn(width="large"),
    }
    st.dataframe(
        frame_.style.format(formats, na_rep="–"),
        key=key,
        placeholder="–",
        hide_index=True,
        on_select=_row_clicked,
        selection_mode="single-row-required",
        selection_default=marked,
        column_config=columns,
        alt=_("All runs with their recipes, sizes and accuracies"),
    )


def tag_of(row: Row) -> "DeltaGenerator":
    """Draw the tag of the chosen run; returns the place of the primary button."""
    run = row.run
    if run.outcome is not None:
        from compress_core.worth import Worth

        was, now = (Worth.from_dict(run.outcome[w]["validation"]) for w in ("original", "final"))
        return tag.show(run.scenario, run.seed, was, now)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="tag"):
        with st.container(gap=None):
            st.title(words.network(run.scenario), anchor=False)
            st.caption(f"{row.name} · {_(run_words.STATES[run.state])}")
        return st.container(horizontal_alignment="right")


def actions(row: Row) -> None:
    """Draw what can be done with the chosen run besides opening it."""
    run = row.run
    st.subheader(row.name, anchor=False)
    st.markdown(run_words.recipe(run.recipe))
    if run.recipe.finetune is not None:
        st.caption(run_words.plan(run.recipe.finetune))
    if run.state == "failed":
        st.caption(tell(run.reason or ""))
    with st.container(horizontal=True):
        if st.button(_("Try its recipe in Explore"), key="compare.explore", icon=":material/tune:"):
            reopen.reopen(run)
            st.switch_page(frame.EXPLORE)
        _delete(row)


def open_button(place: "DeltaGenerator", row: Row) -> None:
    """Draw the primary button that opens the chosen run in Recover."""
    if place.button(
        _("Open {run}").format(run=row.name.lower()),
        key="compare.open",
        type="primary",
        icon=":material/arrow_forward:",
        icon_position="right",
    ):
        reopen.reopen(row.run)
        st.switch_page(frame.RECOVER, query_params={"run": row.run.id})


def _delete(row: Row) -> None:
    running = row.run.state == "running"
    with st.popover(
        _("Delete"),
        icon=":material/delete:",
        disabled=running,
        key="compare.delete",
        help=_("This run is still at work; stop it first.") if running else None,
    ):
        st.markdown(
            _("{run} with its curves and its trained state will be gone for good.").format(
                run=row.name
            )
        )
        if st.button(_("Delete for good"), key="compare.delete.sure", width="stretch"):
            jobs.store().delete(row.run.id)
            st.session_state.pop(CHOSEN, None)
            st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
            st.rerun()


def _point_clicked() -> None:
    picked = st.session_state[CHART].selection.get("run")
    if picked and picked[0].get("id", "").isalnum():
        st.session_state[CHOSEN] = picked[0]["id"]
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def _row_clicked() -> None:
    key, ids = st.session_state[SHOWN]
    if picked := st.session_state[key].selection.rows:
        st.session_state[CHOSEN] = ids[picked[0]]


def _labels(rows: Sequence[Row]) -> TradeOffWords:
    return TradeOffWords(
        size=_("Packed size, smaller to the left"),
        accuracy=words.counted_on(run_rows.against(rows), "validation"),
        recipe=_("Recipe"),
    )
