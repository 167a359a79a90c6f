"""The samples of a scenario one by one: by number, onward, back, at random, to the next flip."""

from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from pages.shared import words
from pages.shared.words import _

if TYPE_CHECKING:
    from torch import Tensor

    from compress_core.data import Part
    from compress_core.scenarios import Scenario

WIDTH = 168
"""Pixels of a picture of a sample."""


def show(base: "Scenario", differences: tuple[int, ...]) -> tuple["Tensor", int | None]:
    """Draw the browser of the validation part; returns the sample and its class, if known."""
    part, name = base.data.validation, base.name
    last, key = len(part) - 1, _key(name)
    st.session_state.setdefault(key, 1)
    st.session_state[key] = min(max(1, st.session_state[key]), last + 1)
    now: int = st.session_state[key] - 1
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number = st.number_input(
            _("Validation sample, of {count}").format(count=f"{len(part):,}"),
            1,
            last + 1,
            key=key,
            persist_state="session",
            width=210,
            help=_("Samples that the network was not trained on."),
        )
        _step(name, "casino", "random", _("At random"), Random().randint(0, last))
        if differences:
            onward = next((each for each in differences if each > now), differences[0])
            text = _("Next difference")
            _step(name, "difference", "difference", text, onward)
    sample = int(number or 1) - 1
    look(name, part.x[sample], caption(base, sample))
    return part.x[sample], truth_of(part, sample)


def look(scenario: str, x: "Tensor", text: str, width: int = WIDTH) -> None:
    """Show anything that a network of *scenario* reads, with a line of text under it."""
    from compress_core.sample_view import view

    seen = view(scenario.split("/")[0], x)
    if isinstance(seen, np.ndarray):
        st.image(seen, width=width, alt=text)
    elif not x.is_floating_point():
        st.markdown(f"> {_text(scenario, [int(number) for number in seen])}")
    else:
        _numbers([float(number) for number in seen], x.numel())
    st.caption(text)


def caption(base: "Scenario", sample: int) -> str:
    """Return which validation sample it is and what it truly shows."""
    part = base.data.validation
    text = _("{part} sample {number}").format(
        part=_(words.PARTS[part.name]).capitalize(), number=f"{sample + 1:,}"
    )
    truth = truth_of(part, sample)
    if truth is None:
        return text
    return _("{sample} · labelled {truth}").format(
        sample=text, truth=label(base.data.labels, truth)
    )


def truth_of(part: "Part", sample: int) -> int | None:
    """Return the class of a sample; None where nobody gave labels."""
    return int(part.y[sample]) if part.against == "labels" else None


def label(names: tuple[str, ...], index: int) -> str:
    """Return the name of a class, whether it has one or not."""
    return _(names[index]) if index < len(names) else _("class {number}").format(number=index)


def go_to(scenario: str, sample: int) -> None:
    """Show another sample (from 0 on); only in callbacks."""
    st.session_state[_key(scenario)] = sample + 1


def _step(name: str, icon: str, what: str, text: str, sample: int) -> None:
    st.button(
        text,
        key=f"try.{what}",
        icon=f":material/{icon}:",
        on_click=go_to,
        args=(name, sample),
    )


def _key(scenario: str) -> str:
    return f"try.sample.{scenario}"


def _text(scenario: str, numbers: list[int]) -> str:
    if scenario.startswith("reviews/"):
        from compress_core.data_sets.reviews import vocabulary
        from compress_core.sample_view import words_of

        return words_of(numbers, vocabulary())
    return " ".join(map(str, numbers))


def _numbers(values: list[float], total: int) -> None:
    frame = pd.DataFrame([[words.three(value) for value in values]])
    frame.columns = [str(place + 1) for place in range(len(values))]
    st.table(frame.T, border="horizontal", hide_header=True)
    if total > len(values):
        st.caption(_("and {count} more numbers").format(count=total - len(values)))
