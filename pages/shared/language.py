"""The language of a session: what the address says, else what the browser prefers, else English."""

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared.address import LANGUAGE

LOCALES = Path(__file__).resolve().parents[2] / "assets" / "locale"
DOMAIN = "fitting-room"
ENGLISH = "en"
LANGUAGES = {"en": "English", "zh": "中文"}
"""What the address calls a language -> what the language calls itself."""
CATALOGUES = {"zh": "zh_CN"}
LOCALES_OF = {"en": "en_GB", "zh": "zh_CN"}
"""How dates are written; all of them write numbers alike, 1,230.5, as `words` does."""
_SPOKEN, _ASKED = "language.spoken", "language.asked"


def spoken() -> str:
    """Return the language of the session that runs; outside of any it is English."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    if _SPOKEN not in st.session_state:
        _listen(st.query_params.get(LANGUAGE))
    language: str = st.session_state[_SPOKEN]
    return language


def locale() -> str:
    """Return the locale of the session's language."""
    return LOCALES_OF[spoken()]


def follow(address: Mapping[str, str], travelled: bool) -> dict[str, str]:
    """
    Bring session and address together; returns what the address has to say of the language.

    That is nothing while nobody asked for one: a link then speaks the language of who opens it.
    """
    if (travelled and address) or _SPOKEN not in st.session_state:
        _listen(address.get(LANGUAGE))
    return {LANGUAGE: spoken()} if st.session_state.get(_ASKED) else {}


def speak(language: str) -> None:
    """
    Go on in another language; only in callbacks, before anything is drawn.

    The browser knows what is chosen by its old label: controls are told anew what they hold.
    """
    for key, value in st.session_state.items():
        if isinstance(value, (str, int, float, list, tuple)) and not isinstance(value, bool):
            st.session_state[key] = value
    st.session_state[_SPOKEN], st.session_state[_ASKED] = language, True


@cache
def translation(language: str) -> gettext.NullTranslations:
    """Return the words of a language; English ones are in the source."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, LOCALES, [CATALOGUES[language]])


def _listen(asked: str | None) -> None:
    preferred = (st.context.locale or ENGLISH).split("-")[0].lower()
    st.session_state[_ASKED] = asked in LANGUAGES
    wanted = asked if asked in LANGUAGES else preferred
    st.session_state[_SPOKEN] = wanted if wanted in LANGUAGES else ENGLISH
