"""What Recover shows of a run: how far it has come, and its curves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core.curves import CurveWords, Level, training_spec
from compress_core.events import EpochEnd
from compress_core.measured import Measured
from pages.shared import jobs, run_result, run_words, words
from pages.shared.retell import tell
from pages.shared.words import _, roles

if TYPE_CHECKING:
    from compress_core.recipe import Finetune
    from compress_core.runs import Run


def progress(run: "Run", events: Sequence[Any]) -> None:
    """Show how far an active run has come, how long it will take, and a way to stop it."""
    if run.state == "queued":
        _waiting(run)
    elif run.cancel_requested:
        st.title(_("Stopping …"), anchor=False)
        st.caption(_("It ends this step, measures its best state and keeps it."))
    elif run.steps and run.step >= run.steps:
        st.title(_("Almost done"), anchor=False)
        st.caption(_("It measures the best state on validation and test samples."))
    elif run.seconds_left is None:
        st.title(_("Getting ready"), anchor=False)
        st.caption(_("It compresses the network and measures where it starts from."))
    else:
        st.title(run_words.duration(run.seconds_left), anchor=False)
        st.caption(
            _("left · step {step} of {steps}").format(step=f"{run.step:,}", steps=f"{run.steps:,}")
        )
    st.progress(run.step / run.steps if run.steps else 0.0)
    if st.button(
        _("Stop and keep the best"),
        key="recover.cancel",
        icon=":material/stop_circle:",
        disabled=run.cancel_requested,
        width="stretch",
        help=_("Ends the run at its next step. The best state so far is kept."),
    ):
        jobs.store().request_cancel(run.id)
        st.rerun()
    if run.recipe.finetune:
        st.caption(run_words.plan(run.recipe.finetune))
    st.caption(run_result.arithmetic(events))
    st.caption(_("It goes on when you leave this page, reload it or close it."))


def chart(
    run: "Run | None",
    events: Sequence[Any],
    plan: "Finetune",
    was: Measured,
    before: Measured,
    against: str = "labels",
) -> None:
    """Draw the curves of a run between the accuracy it started from and that of the original."""
    levels = [
        Level(
            value=was.value,
            text=_("Original {accuracy}").format(accuracy=words.percent(was.value)),
            role=roles().original,
        ),
        Level(
            value=before.value,
            text=_("Compressed, before {accuracy}").format(accuracy=words.percent(before.value)),
            role=roles().compressed,
            below=before.value <= was.value,
        ),
    ]
    epochs, steps = plan.epochs * plan.cycles, run.steps if run else 0
    over = run is not None and run.state not in jobs.ACTIVE
    sentence = takeaway(events, epochs, was, before, over)
    picture = training_spec(events, epochs, steps, levels, roles(), _labels(against))
    with st.container(border=True):
        st.vega_lite_chart(spec=picture, key="recover.curves", alt=sentence)
    st.caption(sentence)


def takeaway(
    events: Sequence[Any], epochs: int, was: Measured, before: Measured, over: bool = False
) -> str:
    """Say in a sentence what the curves show."""
    ends = [e for e in events if isinstance(e, EpochEnd) and e.epoch > 0]
    if not ends and over:
        return _("It ended before its first epoch was through.")
    if not ends:
        return _(
            "Compression cost {lost} points; the curve of their recovery will be drawn here."
        ).format(lost=words.three(100 * max(0.0, was.value - before.value)))
    best = max(before.value, *(e.validation_accuracy for e in ends))
    return _(
        "After {done} of {epochs} the best state has {best}: {won} against the start, "
        "{rest} against the original."
    ).format(
        done=ends[-1].epoch,
        epochs=run_words.epochs(epochs),
        best=words.percent(best),
        won=words.points(best - before.value),
        rest=words.points(best - was.value),
    )


def _waiting(run: "Run") -> None:
    count = jobs.ahead_of(run)
    st.title(_("Waiting") if count else _("Starting"), anchor=False)
    if problem := jobs.engine().problem:
        st.warning(tell(problem))
    elif count == 1:
        st.caption(_("One other run comes first; runs are carried out one after the other."))
    elif count:
        st.caption(_("{count} other runs come first.").format(count=count))
    else:
        st.caption(_("The worker wakes up; the first time it takes a few seconds."))


def _labels(against: str) -> CurveWords:
    return CurveWords(
        epoch=_("Epochs"),
        accuracy=words.counted_on([against], "validation"),
        loss=_("Loss"),
        training=_("training"),
        validation=_("validation"),
    )
