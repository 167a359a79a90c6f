"""The histogram of weights as a component: its handles move in the browser, without the server."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import handles, state
from pages.shared.choice import FLOAT, WEIGHT_BITS, Choice
from pages.shared.words import _, roles

if TYPE_CHECKING:
    from compress_core.drag import DragTable
    from compress_core.histogram import WeightHistogram

_KEY = "explore.weights"
_HTML, _CSS, _JS = (
    Path(__file__).with_name(f"drag.{ending}").read_text("utf-8")
    for ending in ("html", "css", "js")
)
_histogram = st.components.v2.component("weights-histogram", html=_HTML, css=_CSS, js=_JS)


def still(histogram: "WeightHistogram", values: list[float], sentence: str, why: str) -> None:
    """Draw a histogram whose handles rest, and say why they do."""
    _draw(
        {
            "table": None,
            "edges": _short(histogram.edges),
            "original": histogram.original,
            "kept": histogram.kept,
            "gone": histogram.gone,
            "values": _short(values),
            "sentence": sentence,
            "off": why,
            "words": _words(bool(values)),
        }
    )


def moving(
    choice: Choice,
    table: "DragTable",
    values: list[float],
    allowed: list[str],
    removed: float,
    packed_bytes: int,
) -> None:
    """
    Draw a histogram with two handles that move by *table*; what is let go becomes the choice.

    *values* are the allowed ones now, *allowed* what to say of them for each number of bits;
    *removed* and *packed_bytes* were measured.
    """
    _draw(
        {
            "table": {
                "edges": _short(table.edges),
                "thresholds": _short(table.thresholds),
                "scale": _short(handles.scale(choice, table)),
                "gone": _short(table.gone),
                "energy": _short(table.energy),
                "bits": table.bits,
                "lines": [_short(line) for line in table.lines],
                "packed": table.packed,
            },
            **handles.slider(choice),
            "bits": choice.weight_bits,
            "edges": _short(table.edges),
            "original": table.counts,
            "kept": table.counts,
            "gone": [0] * len(table.counts),
            "values": _short(values),
            "removed": removed,
            "packed_bytes": packed_bytes,
            "fp32_bytes": table.fp32_bytes,
            "off": "",
            "words": _words(True) | _moving_words(allowed),
        }
    )


def _draw(data: dict[str, Any]) -> None:
    _histogram(key=_KEY, data=data, on_moved_change=_take)


def _take() -> None:
    """Let the choice follow what was let go in the browser."""
    state.put(**handles.released(st.session_state[_KEY].get("moved")))


def _short(values: Any) -> list[float]:
    """Return numbers as exact as a picture can be: what is sent stays small."""
    return [float(f"{value:.6g}") for value in values]


def _words(values: bool) -> dict[str, Any]:
    legend = {"original": roles().original, "kept": roles().compressed, "gone": roles().gone}
    return {
        "axis": _("Size and sign of a weight"),
        "legend": legend | ({"values": _("Allowed value")} if values else {}),
        "millions": _("M"),
        "thousands": _("k"),
    }


def _moving_words(allowed: list[str]) -> dict[str, Any]:
    names = [_("float") if bits == FLOAT else str(bits) for bits in WEIGHT_BITS]
    spoken = [
        _("not rounded") if bits == FLOAT else _("{bits} bit").format(bits=bits)
        for bits in WEIGHT_BITS
    ]
    return {
        "cut": _("Line on the picture"),
        "bits": _("Bits on the picture"),
        "bits_name": _("Weights in bits"),
        "notches": names,
        "spoken_bits": spoken,
        "spoken": _("{share} of the weights are gone, those smaller than {cut}"),
        "flag": _("smaller than {cut}"),
        "whole": _("Every weight is kept."),
        "gone": _("{share} of the weights are gone; they carried {energy} of the energy."),
        "allowed": allowed,
        "bytes": _("{size} packed, {ratio} less"),
        "unknown": _("Size: let go to see it"),
        "estimated": _("estimated until you let go"),
        "measured": _("measured"),
        "mega": _("MB"),
        "kilo": _("kB"),
        "byte": _("B"),
    }
