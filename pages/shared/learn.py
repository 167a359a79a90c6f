"""The three halls of Learn, which one is open, and the list of lessons beside the chosen one."""

from collections.abc import Collection

import streamlit as st

from pages.shared.lessons.table import LESSONS
from pages.shared.words import _

VIEW, CONCEPT = "view", "concept"
"""Names in the address."""


def follow(name: str, options: Collection[str]) -> bool:
    """Let a control stand where the address says, if that is news; before it is drawn."""
    asked = st.query_params.get(name)
    news = asked in options and asked != st.session_state.get(_said(name))
    if news:
        st.session_state[key(name)] = asked
    return news


def publish(name: str, value: str | None) -> None:
    """Write into the address where a control stands; None takes it out."""
    st.session_state[_said(name)] = value
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def key(name: str) -> str:
    """Return the key of the control that a name in the address belongs to."""
    return f"learn.{name}"


def concepts() -> None:
    """Draw the list of lessons and the one that is chosen; no other runs."""
    side, main = st.columns([4, 13], gap="large")
    with side:
        chosen = st.radio(
            _("Concepts"),
            list(LESSONS),
            format_func=lambda name: _(LESSONS[name].title),
            captions=[_(lesson.question) for lesson in LESSONS.values()],
            key=key(CONCEPT),
            persist_state="session",
        )
    publish(CONCEPT, chosen)
    with main:
        st.subheader(_(LESSONS[chosen].question), anchor=False)
        st.fragment(LESSONS[chosen].body)()


def _said(name: str) -> str:
    return f"learn.{name}.said"
