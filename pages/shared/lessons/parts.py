"""What all lessons have: a setting to show, a formula with its source, and the words of a chart."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from pages.shared import frame, run_words, state, tuning, words
from pages.shared.choice import FLOAT, Choice, recipe_of
from pages.shared.words import _

LENET = "fashion-mnist/lenet-5"
"""Whose weights the lessons look at: small enough for everything to be at once."""


def setting(scenario: str = LENET, **fields: Any) -> Choice:
    """Return a setting of the fitting room where nothing is done but what *fields* say."""
    plain: dict[str, Any] = {"share": 0, "weight_bits": FLOAT, "activation_bits": FLOAT}
    return Choice(**plain | {"scenario": scenario} | fields)


def show_me(
    key: str, choice: Choice, label: str = "", plan: Mapping[str, Any] | None = None
) -> None:
    """
    Draw the button that opens the fitting room at *choice*.

    With a *plan*, fields of a fine-tuning, it opens where that is done.
    """
    done = recipe_of(choice)
    told = run_words.recipe(done) if done.steps else _("nothing done yet")
    if st.button(
        label or _("Show me"),
        key=f"learn.show.{key}",
        icon=":material/healing:" if plan else ":material/tune:",
        help=_("Opens {network} in the fitting room: {recipe}.").format(
            network=words.network(choice.scenario), recipe=told
        ),
    ):
        wear(choice)
        if plan:
            tuning.put(tuning.planned(**plan))
        st.switch_page(frame.RECOVER if plan else frame.EXPLORE)


def wear(choice: Choice) -> None:
    """Move every control of the fitting room; only where none of them is drawn."""
    state.try_on(choice.scenario, choice.seed)
    state.put(**asdict(choice) | {"overrides": choice.overrides})


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in LaTeX, and where it comes from."""

    latex: str
    source: str
    """Authors: title. Where, year. As it is in every language."""
    note: str = ""
    """What the letters stand for, and what differs here."""


def formula(*lines: Formula) -> None:
    """Unfold formulas, each with its source beneath."""
    with st.expander(_("The formula, and where it comes from"), icon=":material/function:"):
        for line in lines:
            st.latex(line.latex)
            st.caption(f"{_(line.note)} {line.source}" if line.note else line.source)


def keep(name: str) -> dict[str, Any]:
    """Return what lets a control of a lesson hold its value, also from page to page."""
    return {"key": f"learn.{name}", "persist_state": "session"}
