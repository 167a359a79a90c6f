"""What the map lets one expect, beside what is measured; and how well it has foreseen so far."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import maps, words
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.compressed import Compressed
    from pages.shared.meter import Reading

_RECORD = "explore.foresight"


def line(name: str, seed: int, result: "Compressed", reading: "Reading") -> str:
    """
    Say which accuracy was to be expected, at once and before anything is measured.

    A finished *reading* is noted, so that each network's estimates carry their own record. Empty
    where the map says nothing.
    """
    expected = maps.expected(name, seed, result)
    known = maps.known(name, seed)
    if expected is None or known is None:
        return ""
    record: dict[str, float] = st.session_state.setdefault(_RECORD, {}).setdefault((name, seed), {})
    # The original's accuracy on other samples than the map's moves the estimate along.
    moved = reading.was.accuracy.value - known.original.accuracy if reading.was.accuracy.n else 0.0
    if reading.over and result.recipe.steps:
        digest = result.recipe.digest()
        record.pop(digest, None)  # to the end
        record[digest] = reading.now.accuracy.value - expected.value - moved
    text = _("Expected from the layers: ≈ {value} ({low} to {high}).").format(
        value=words.percent(expected.value + moved),
        low=words.percent(max(0.0, expected.low + moved)),
        high=words.percent(min(1.0, expected.high + moved)),
    )
    return f"{text} {_said_of(list(record.values()))}".strip()


def _said_of(distances: list[float]) -> str:
    from compress_core.estimate import LOOKED_BACK, within

    count: Any = min(len(distances), LOOKED_BACK)
    if count < 2:
        return ""
    return _("Within {points} points on your last {count} measurements.").format(
        points=words.three(100 * within(distances)), count=count
    )
