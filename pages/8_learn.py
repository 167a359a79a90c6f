"""How does this work? Concepts to play with, questions people ask, and missions."""

import streamlit as st

from pages.shared import frame, learn, learn_missions, learn_questions
from pages.shared.lessons.table import LESSONS
from pages.shared.words import N_, _

VIEWS = {
    "concepts": (N_("Concepts"), learn.concepts),
    "questions": (N_("Questions"), learn_questions.questions),
    "missions": (N_("Missions"), learn_missions.missions),
}

frame.begin(frame.LEARN, _("Learn"))
st.title(_("How does this work?"), anchor=False)
learn.follow(learn.VIEW, VIEWS)
if learn.follow(learn.CONCEPT, LESSONS):
    st.session_state[learn.key(learn.VIEW)] = "concepts"
st.session_state.setdefault(learn.key(learn.VIEW), "concepts")
view: str | None = st.segmented_control(
    _("What would you like?"),
    list(VIEWS),
    required=True,
    format_func=lambda name: _(VIEWS[name][0]),
    key=learn.key(learn.VIEW),
    persist_state="session",
    label_visibility="collapsed",
)
learn.publish(learn.VIEW, None if view == "concepts" else view)
if view != "concepts":
    learn.publish(learn.CONCEPT, None)
VIEWS[view or "concepts"][1]()
