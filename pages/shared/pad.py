"""A sheet of paper to draw on, as a component: pointer, finger or keyboard."""

from base64 import b64decode
from pathlib import Path

import streamlit as st

from pages.shared.words import _

KEY = "try.pad"
PENS = {"digits": (20, 42, 58), "fashion-mnist": (8, 16, 34)}
"""Widths of three pens on a paper of 320 pixels; the second comes nearest to the data set's ink."""
LONGEST = 1_000_000
"""Characters of a drawing; a full paper takes some 20,000."""
_START = "data:image/png;base64,"
_HTML, _CSS, _JS = (
    Path(__file__).with_name(f"pad.{ending}").read_text("utf-8") for ending in ("html", "css", "js")
)
_pad = st.components.v2.component("drawing-pad", html=_HTML, css=_CSS, js=_JS)


def draw(data_set: str) -> bytes | None:
    """Show the paper and return what is drawn on it as a PNG; None while it is empty."""
    # Another paper for each data set: what is drawn on one is not shown to the other's network.
    drawn = _pad(
        key=f"{KEY}.{data_set}",
        data={"pens": PENS[data_set], "words": _words()},
        on_drawing_change=lambda: None,
    )
    return decoded(drawn.get("drawing"))


def decoded(url: object) -> bytes | None:
    """Return the bytes of a PNG out of what a browser sent; None for everything else."""
    if not isinstance(url, str) or not url.startswith(_START) or len(url) > LONGEST:
        return None
    try:
        return b64decode(url.removeprefix(_START), validate=True)
    except ValueError:
        return None


def _words() -> dict[str, str | list[str]]:
    return {
        "name": _("Paper to draw on"),
        "tools": _("Pens and paper"),
        "pens": _("Pen"),
        "pen_names": [_("Fine pen"), _("Medium pen"), _("Broad pen")],
        "undo": _("Undo"),
        "clear": _("Clear"),
        "empty": _("Draw here"),
        "keys": _(
            "By keyboard: arrows move, the space bar puts the pen down and lifts it, Backspace "
            "takes the last line back."
        ),
    }
