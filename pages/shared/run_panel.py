"""What Recover shows of a run in each of its states; each state says what can be done next."""

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core.curves import CurveWords, Level, training_spec
from compress_core.events import EpochEnd, Finished, Started, StepEnd
from compress_core.measured import Measured
from pages.shared import jobs, run_words, tables, words
from pages.shared.words import ROLES, _

if TYPE_CHECKING:
    from compress_core.recipe import Finetune
    from compress_core.runs import Run

LABELS = CurveWords(
    epoch=_("Epochs"),
    accuracy=_("Accuracy on validation"),
    loss=_("Loss"),
    training=_("training"),
    validation=_("validation"),
)
LATEST_STEPS = 50
"""Steps that the time per step is taken from."""


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
    st.caption(_arithmetic(events))
    st.caption(_("It goes on when you leave this page, reload it or close it."))


def chart(
    run: "Run | None", events: Sequence[Any], plan: "Finetune", was: Measured, before: Measured
) -> None:
    """Draw the curves of a run between the accuracy it started from and that of the original."""
    levels = [
        Level(
            value=was.value,
            text=_("Original {accuracy}").format(accuracy=words.percent(was.value)),
            role=ROLES.original,
        ),
        Level(
            value=before.value,
            text=_("Compressed, before {accuracy}").format(accuracy=words.percent(before.value)),
            role=ROLES.compressed,
            below=before.value <= was.value,
        ),
    ]
    epochs, steps = plan.epochs * plan.cycles, run.steps if run else 0
    over = run is not None and run.state not in jobs.ACTIVE
    sentence = takeaway(events, epochs, was, before, over)
    picture = training_spec(events, epochs, steps, levels, ROLES, LABELS)
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
            "Compression cost {lost} points of accuracy; the curve of their recovery "
            "will be drawn here."
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


def ended(run: "Run", events: Sequence[Any]) -> None:
    """Show what came out of a run that is over."""
    match run.state:
        case "failed":
            _failed(run)
        case _ if (result := run_words.result(run)) is None:
            st.subheader(_("Stopped before it began"), anchor=False)
            st.markdown(_("Nothing was trained, so nothing has changed. Start it when you like."))
        case _:
            st.subheader(headline(result), anchor=False)
            _numbers(result)
            st.caption(_story(run, events))


def headline(result: run_words.Result) -> str:
    """Say how much of what was lost is won back."""
    lost, won = (
        100 * (result.original.value - result.before.value),
        100 * (result.after.value - result.before.value),
    )
    if won <= 0 and lost <= 0:
        return _("Nothing was lost, so there was nothing to win back")
    if won <= 0:
        return _("Nothing was won: the state before training stays the best")
    if lost <= 0:
        return _("Nothing was lost, and {won} points were won").format(won=words.three(won))
    if won >= lost:
        return _("All {lost} lost points won back").format(lost=words.three(lost))
    return _("{won} of {lost} lost points won back").format(
        won=words.three(won), lost=words.three(lost)
    )


def _waiting(run: "Run") -> None:
    count = jobs.ahead_of(run)
    st.title(_("Waiting") if count else _("Starting"), anchor=False)
    if problem := jobs.engine().problem:
        st.warning(problem)
    elif count == 1:
        st.caption(_("One other run comes first; runs are carried out one after the other."))
    elif count:
        st.caption(_("{count} other runs come first.").format(count=count))
    else:
        st.caption(_("The worker wakes up; the first time it takes a few seconds."))


def _failed(run: "Run") -> None:
    st.error(run.reason or _("It stopped for an unknown reason."), icon=":material/error:")
    if run.checkpoint is None:
        st.markdown(_("Nothing was kept. Change the recipe or the settings and start again."))
        return
    try:
        with st.spinner(_("Measuring its best state …")):
            kept = jobs.kept_worth(run)
    except ValueError as error:
        st.markdown(str(error))
        return
    st.subheader(
        _("Its best state is kept: {accuracy}").format(accuracy=words.accuracy(kept.accuracy)),
        anchor=False,
    )
    st.badge(words.measured_on(kept.accuracy, kept.part), color="gray")
    with st.container(horizontal=True):
        st.download_button(
            _("Save its best state"),
            lambda: jobs.store().artifacts.get(run.checkpoint or ""),
            file_name=f"{run.scenario.split('/')[1]}-{run.id[:6]}.safetensors",
            icon=":material/download:",
            on_click="ignore",
            key="recover.save",
            help=_("Weights, masks and grids, in a file that training can go on from."),
        )
    if run.trace:
        with st.expander(_("Details for the curious")):
            st.code(run.trace, language=None)


def _numbers(result: run_words.Result) -> None:
    header = [
        " ",
        f":blue[{_('Original')}]",
        f":orange[{_('Compressed')}]",
        f":orange[{_('Trained on')}]",
    ]
    rows = [
        (
            _("Accuracy on {samples}").format(samples=words.samples(result.after.n, "validation")),
            words.accuracy(result.original),
            words.accuracy(result.before),
            words.accuracy(result.after),
        ),
        (
            _("Accuracy on {samples}").format(samples=words.samples(result.test.n, "test")),
            words.accuracy(result.original_test),
            "–",
            words.accuracy(result.test),
        ),
        (
            _("Packed size"),
            words.size(result.fp32_bytes),
            "–",
            f"{words.size(result.packed_bytes)} ({words.times(result.ratio)})",
        ),
    ]
    tables.facts(rows, header, alt=_("The network before compression, after it, and trained on"))


def _story(run: "Run", events: Sequence[Any]) -> str:
    finished = next((e for e in reversed(events) if isinstance(e, Finished)), None)
    parts = [_("The test samples were looked at once, at the end.")]
    if finished is not None and finished.best_epoch > 0:
        parts.append(
            _("The best state was that after {epochs}.").format(
                epochs=run_words.epochs(finished.best_epoch)
            )
        )
    if run.state == "cancelled":
        parts.append(
            _("Stopped at step {step} of {steps}; the best state until then was kept.").format(
                step=f"{run.step:,}", steps=f"{run.steps:,}"
            )
        )
    if (seconds := run_words.took(run)) is not None:
        parts.append(_("It took {time}.").format(time=run_words.duration(seconds)))
    return " ".join([*parts, _arithmetic(events)])


def _arithmetic(events: Sequence[Any]) -> str:
    """Say how long a step takes, in which numbers, and why in these."""
    started = next((e for e in events if isinstance(e, Started)), None)
    seconds = [e.seconds for e in events[-LATEST_STEPS:] if isinstance(e, StepEnd)]
    if started is None or not seconds:
        return ""
    return _("{time} per step in {dtype}. {reason}").format(
        time=run_words.milliseconds(median(seconds)), dtype=started.dtype, reason=started.reason
    )
