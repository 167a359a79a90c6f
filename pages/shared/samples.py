"""A few samples of a data set on a card: pictures, numbers or words."""

import streamlit as st

from compress_core import wardrobe
from compress_core.samples import Measures, strip
from pages.shared import cached, own, tables, words
from pages.shared.words import _

PIXELS = 160
"""Least side of a picture on a card."""


def show(scenario: str, start: int) -> None:
    """Show three samples of a scenario's data; nothing where there are none to look at."""
    if wardrobe.is_own(scenario):
        if (file := own.pictures(scenario)) is not None:
            st.image(file, width="stretch", alt=_alt(scenario))
        return
    found = cached.samples(scenario.split("/")[0], start)
    if isinstance(found[0], str):
        _excerpts([sample for sample in found if isinstance(sample, str)][:2])
    elif isinstance(found[0], dict):
        _measures([sample for sample in found if isinstance(sample, dict)])
    else:
        pictures = [sample for sample in found if not isinstance(sample, str | dict)]
        st.image(strip(pictures, PIXELS), width="stretch", alt=_alt(scenario))


def _measures(found: list[Measures]) -> None:
    rows = [(words.measure(name), *(words.three(s[name]) for s in found)) for name in found[0]]
    tables.facts(rows, alt=_("Some measures of three samples"))


def _excerpts(found: list[str]) -> None:
    for text in found:
        st.markdown(f"> {text}")


def _alt(scenario: str) -> str:
    return _("Three samples of {data}").format(data=words.data_set(scenario))
