"""The tag on top of every page, as on a garment: what it is, was, is now; and the next step."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import frame, words
from pages.shared.words import _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from compress_core.worth import Worth


def show(
    scenario: str, seed: int, was: "Worth", now: "Worth", *, note: str | None = None
) -> "DeltaGenerator":
    """
    Draw the tag and return the place at its right for the page's one primary button.

    *was* is the untouched network and *now* the compressed one, measured on the same samples.
    """
    with st.container(border=True, key="tag"):
        name, size, accuracy, button = st.columns([3, 3, 3, 2], vertical_alignment="center")
    with name:
        _name(scenario, seed, note)
    with size:
        st.metric(
            _("Packed size"),
            f"{words.size(now.packed_bytes)}",
            _("{ratio} smaller than {before}").format(
                ratio=words.times(was.fp32_bytes / now.packed_bytes),
                before=words.size(was.fp32_bytes),
            ),
            delta_color="off",
            delta_arrow="off",
        )
    with accuracy:
        st.metric(
            _("Accuracy"),
            words.accuracy(now.accuracy),
            _("{difference} from {before}").format(
                difference=words.points(now.accuracy.value - was.accuracy.value),
                before=words.percent(was.accuracy.value),
            ),
            delta_color="off",
            delta_arrow="off",
            help=words.measured_on(now.accuracy, now.part),
        )
    return button


def next_step(place: "DeltaGenerator", label: str, page: str) -> None:
    """Draw the button to the next page of the line, if that page has been built."""
    if frame.exists(page) and place.button(
        label, key="tag.next", type="primary", width="stretch", icon=":material/arrow_forward:",
        icon_position="right",
    ):  # fmt: skip
        st.switch_page(page)


def _name(scenario: str, seed: int, note: str | None) -> None:
    st.markdown(f"**{words.network(scenario)}** · {words.data_set(scenario)}")
    st.caption(note or _("trained copy {number}").format(number=seed + 1))
