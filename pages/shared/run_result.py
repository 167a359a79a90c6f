"""What Recover shows of a run that is over; each way to end says what can be done next."""

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core.events import Finished, Started, StepEnd
from pages.shared import jobs, rates, run_words, tables, words
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.runs import Run

LATEST_STEPS = 50
"""Steps that the time per step is taken from."""


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
            _numbers(run, result)
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


def arithmetic(events: Sequence[Any]) -> str:
    """Say how long a step takes, in which numbers, and why in these."""
    started = next((e for e in events if isinstance(e, Started)), None)
    seconds = [e.seconds for e in events[-LATEST_STEPS:] if isinstance(e, StepEnd)]
    if started is None or not seconds:
        return ""
    return _("{time} per step in {dtype}. {reason}").format(
        time=run_words.milliseconds(median(seconds)),
        dtype=started.dtype,
        reason=tell(started.reason),
    )


def _failed(run: "Run") -> None:
    st.error(
        tell(run.reason or "") or _("It stopped for an unknown reason."), icon=":material/error:"
    )
    if run.checkpoint is None:
        st.markdown(_("Nothing was kept. Change the recipe or the settings and start again."))
        return
    try:
        with st.spinner(_("Measuring its best state …")):
            kept = jobs.kept_worth(run)
    except ValueError as error:
        st.markdown(tell(str(error)))
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


def _counted(result: run_words.Result, samples: str) -> str:
    text = (
        _("Agreement on {samples}") if result.against == "original" else _("Accuracy on {samples}")
    )
    return text.format(samples=samples)


def _numbers(run: "Run", result: run_words.Result) -> None:
    header = [
        " ",
        f":blue[{_('Original')}]",
        f":orange[{_('Compressed')}]",
        f":orange[{_('Trained on')}]",
    ]
    rows = [
        (
            _counted(result, words.samples(result.after.n, "validation")),
            words.accuracy(result.original),
            words.accuracy(result.before),
            words.accuracy(result.after),
        ),
        (
            _counted(result, words.samples(result.test.n, "test")),
            words.accuracy(result.original_test),
            "–",
            words.accuracy(result.test),
        ),
        *(
            (after.line, words.accuracy(before.rate), "–", words.accuracy(after.rate))
            for before, after in zip(
                rates.figures(run.scenario, result.original_classes),
                rates.figures(run.scenario, result.test_classes),
                strict=True,
            )
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
    parts = [_("The test samples were not looked at before the end.")]
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
    return " ".join([*parts, arithmetic(events)])
