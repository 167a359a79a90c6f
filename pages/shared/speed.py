"""How fast a network will be here, estimated from layers measured once on this machine."""

import os
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.recipe import Recipe
from pages.shared import cached, jobs, run_words, waiting, words
from pages.shared.choice import Choice
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.compressed import Compressed
    from compress_core.cost import CostModel
    from compress_core.measured import Estimate
    from compress_core.runs import Run

START = "explore.speed.start"
NOTICEABLE = 0.05
"""Speed-ups nearer to 1 than this are called the same."""


def line(choice: Choice, compressed: "Compressed") -> None:
    """Say how long one sample will take, or offer to measure what that is estimated from."""
    from compress_core.layer_times import place

    if os.environ.get("FITTING_ROOM_SCHEDULER"):
        return  # what a worker elsewhere measures says nothing of this machine
    path = place(jobs.store().home)
    changed = path.stat().st_mtime if path.is_file() else 0.0
    model = _fitted(str(path), changed)
    if model is None:
        _way_to_it(choice)
        return
    (was, _unknown), (now, missing) = (
        _estimate(choice.scenario, choice.seed, worn.digest(), changed, model, result)
        for worn, result in (
            (Recipe(), cached.compressed(choice.scenario, choice.seed, Recipe())),
            (compressed.recipe, compressed),
        )
    )
    st.caption(sentence(was, now, missing))


def sentence(was: "Estimate | None", now: "Estimate | None", missing: str | None = None) -> str:
    """
    Say what is expected of the compressed network's file, beside the original's.

    *missing*: the operator that was not measured, where that is why nothing is expected.
    """
    if now is None and missing is not None:
        return _(
            "Speed here: not estimated, since the operator `{operator}` was not measured alone. "
            "The exported file is timed as a whole."
        ).format(operator=missing)
    if now is None:
        return _(
            "Speed here: not estimated, since not everything in it was measured alone. The "
            "exported file is timed as a whole."
        )
    text = _("Speed here: ≈ {value} ms a sample in ONNX Runtime ({low} to {high})").format(
        **{end: words.three(1000 * getattr(now, end)) for end in ("value", "low", "high")}
    )
    against = "" if was is None else f", {_against(was.value / now.value)}"
    return f"{text}{against}, {_('estimated from layers measured on this machine.')}"


def _against(ratio: float) -> str:
    if abs(ratio - 1) < NOTICEABLE:
        return _("the same as the original")
    shown = words.three(max(ratio, 1 / ratio))
    if ratio > 1:
        return _("≈ {ratio}× faster than the original").format(ratio=shown)
    return _("≈ {ratio}× slower than the original").format(ratio=shown)


def _way_to_it(choice: Choice) -> None:
    run = next(iter(jobs.store().list(task="times")), None)
    if run is not None and run.state in jobs.ACTIVE:
        waiting.follow(run, _how_far)
        return
    if run is not None and run.reason:
        st.error(tell(run.reason))
    if st.button(
        _("Estimate its speed here"),
        key=START,
        type="tertiary",
        icon=":material/speed:",
        help=_(
            "Measures single layers in ONNX Runtime, once for this machine: some twenty seconds "
            "in the background. From them the speed of every setting is estimated."
        ),
    ):
        jobs.engine().start(choice.scenario, choice.seed, Recipe(), "times")
        st.rerun()


def _how_far(run: "Run") -> str:
    if run.seconds_left is None:
        return _("Getting ready to measure layers …")
    return _("Measuring layers once for this machine, {time} left").format(
        time=run_words.duration(run.seconds_left)
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _fitted(path: str, changed: float) -> "CostModel | None":
    from compress_core.cost import cost_model
    from compress_core.layer_times import load_times

    times = load_times(jobs.store().home)
    return None if times is None else cost_model(times)


@st.cache_data(max_entries=512, show_spinner=False)
def _estimate(
    name: str, seed: int, digest: str, changed: float, _model: "CostModel", _result: "Compressed"
) -> "tuple[Estimate | None, str | None]":
    """Return what is expected, and which operator was not measured where nothing is."""
    expected = _model.estimate(_result)
    return expected, None if expected is not None else _model.unmeasured(_result)
