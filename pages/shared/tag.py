"""The tag on top of every page, as on a garment: what it is, was, is now; and the next step."""

from typing import TYPE_CHECKING

import streamlit as st

from compress_core import catalogue
from pages.shared import rates, words
from pages.shared.words import _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from compress_core.worth import Worth


def show(scenario: str, seed: int, was: "Worth", now: "Worth") -> "DeltaGenerator":
    """
    Draw the tag and return the place at its right for the page's one primary button.

    *was* is the untouched network and *now* the compressed one, measured on the same samples.
    """
    place, button = places(hang(scenario, seed))
    figures(place, was, now)
    return button


def hang(scenario: str, seed: int) -> "DeltaGenerator":
    """Draw a tag that says whose it is; returns it, for figures and a button to come."""
    tag = st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="medium", key="tag"
    )
    with tag, st.container(width=250, gap=None):
        st.title(words.network(scenario), anchor=False)
        st.caption(_subtitle(scenario, seed))
        if caution := rates.caution(scenario):
            st.caption(caution)
    return tag


def places(tag: "DeltaGenerator") -> tuple["DeltaGenerator", "DeltaGenerator"]:
    """Return the places for figures and for the button; figures that were there are gone."""
    return tag.empty(), tag.container(horizontal_alignment="right", width="stretch")


def figures(place: "DeltaGenerator", was: "Worth", now: "Worth") -> None:
    """Write the figures on the tag, in place of those that were there."""
    accuracy, on = now.accuracy, words.measured_on(now.accuracy, now.part).capitalize()
    with place.container(horizontal=True, gap="medium", width="content"):
        _figure(
            _("Packed size"),
            words.size(now.packed_bytes),
            _("{ratio} smaller").format(ratio=words.times(was.fp32_bytes / now.packed_bytes)),
            _("than {before}").format(before=words.size(was.fp32_bytes)),
            _("Measured: the length of a file that decodes to this very network."),
        )
        if now.against == "nothing":
            _figure(
                _("Accuracy"),
                words.accuracy(accuracy, now.against),
                "",
                _("there are no samples"),
                _("Sizes and weights are known without data; whether answers are right is not."),
            )
            return
        _figure(
            words.counted(now.against),
            words.accuracy(accuracy),
            words.difference(was.accuracy, accuracy),
            _("from {before} · {n} samples").format(
                before=words.percent(was.accuracy.value), n=f"{accuracy.n:,}"
            )
            if accuracy.n
            else _("is being measured"),
            _("{what} {measured}. ± is the 95 % interval, pt are percentage points.").format(
                what=words.counted_help(now.against), measured=on
            ),
        )


def next_step(place: "DeltaGenerator", label: str, page: str) -> None:
    """Draw the button to the next page of the line."""
    if place.button(
        label,
        key="tag.next",
        type="primary",
        icon=":material/arrow_forward:",
        icon_position="right",
    ):
        st.switch_page(page)


def _figure(label: str, value: str, delta: str, remark: str, text: str) -> None:
    st.metric(
        label,
        value,
        delta,
        delta_color="off",
        delta_arrow="off",
        delta_description=remark,
        width="content",
        help=text,
    )


def _subtitle(scenario: str, seed: int) -> str:
    if len(catalogue.seeds(scenario)) == 1:
        return words.data_set(scenario)
    return _("{data} · copy {number}").format(data=words.data_set(scenario), number=seed + 1)
