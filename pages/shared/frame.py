"""The frame around every page: the menu, the browser tab, and a page that opens by itself."""

from pathlib import Path
from time import sleep

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared import language, state
from pages.shared.choice import Choice
from pages.shared.words import _

CHOOSE, EXPLORE, RECOVER = "pages/1_choose.py", "pages/2_explore.py", "pages/3_recover.py"
COMPARE, EXPORT = "pages/6_compare.py", "pages/7_export.py"
LEARN, TRY = "pages/8_learn.py", "pages/9_try.py"
_FRAMED = "frame.drawn"
AT_ONCE = """<style>
[data-stale], [data-testid="stExpander"] :is(details, summary) { transition: none !important; }
</style>"""
"""
What is being computed anew turns pale at once, expanders too. Streamlit lets it fade, and to draw
the whole page in sixty shades takes much of a core while what is waited for wants it.
"""
PAINTED = 0.03
"""Seconds in which a browser shows what it was sent; more that comes at once delays all of it."""


def navigation() -> "st.Page":
    """Draw the menu, the line of the main job first, and return the page to run."""
    entries = [
        (CHOOSE, _("Choose"), ":material/checkroom:"),
        (EXPLORE, _("Explore"), ":material/tune:"),
        (RECOVER, _("Recover"), ":material/healing:"),
        (EXPORT, _("Export"), ":material/download:"),
        (TRY, _("Try it"), ":material/draw:"),
        (COMPARE, _("Compare"), ":material/compare_arrows:"),
        (LEARN, _("Learn"), ":material/school:"),
    ]
    st.session_state[_FRAMED] = True
    return st.navigation(
        [
            st.Page(path, title=title, icon=icon, default=path == CHOOSE)
            for path, title, icon in entries
        ],
        position="top",
    )


def begin(page: str, title: str) -> Choice:
    """
    Set a page up and return what is chosen.

    Streamlit runs the first deep link to a fresh server without app.py. Drawing the menu ends that
    mode; starting over at once is needed, for controls drawn before would forget their values.
    """
    st.set_page_config(
        page_title=f"{title} · {_('Fitting Room')}", page_icon=":material/checkroom:", layout="wide"
    )
    if not st.session_state.pop(_FRAMED, False) and _app_is_running():
        navigation()
        del st.session_state[_FRAMED]
        st.rerun()
    st.html(AT_ONCE)
    chosen = state.begin(clean=page == CHOOSE)
    _languages()
    if state.absent():
        st.info(
            _(
                "The network that was asked for was brought by somebody and is not on this "
                "machine, or was removed. Bring its file again on Choose; meanwhile another is on."
            ),
            icon=":material/checkroom:",
        )
    return chosen


def paint() -> None:
    """Let the browser show what it was sent before more comes."""
    sleep(PAINTED)


def _languages() -> None:
    """Draw a button for each other language, named in that language."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        for code, name in language.LANGUAGES.items():
            if code != language.spoken():
                st.button(
                    name,
                    key=f"frame.language.{code}",
                    type="tertiary",
                    icon=":material/translate:",
                    on_click=language.speak,
                    args=(code,),
                )


def _app_is_running() -> bool:
    """Tell whether app.py was started, and not this page alone (as a test does)."""
    context = get_script_run_ctx()
    return context is not None and Path(context.main_script_path).name == "app.py"
