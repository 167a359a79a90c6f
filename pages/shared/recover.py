"""What Recover needs besides its panels: which run it shows, the tag's numbers, and the start."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core import catalogue
from compress_core.events import EpochEnd
from compress_core.measured import Measured, proportion
from compress_core.recipe import Finetune, Recipe
from pages.shared import cached, jobs, meter, reopen, run_words, tuning, words
from pages.shared.retell import tell
from pages.shared.words import _, ngettext

if TYPE_CHECKING:
    from compress_core.runs import Run
    from compress_core.speed import StepTimes
    from compress_core.worth import Worth
    from pages.shared.choice import Choice

RUN = "run"
"""Name of the run in the address."""
LONGEST_COMPARISON = 2.0
"""Seconds after which a comparison of step times begins no further round."""
SAME = 0.05
"""Times that differ by less than this fraction are called equal."""
RESTLESS = 3.0
"""Rounds that differ by more than this factor were disturbed by something else."""


def wanted(choice: "Choice", recipe: Recipe) -> "Run | None":
    """
    Return the run to show: the one in the address, the one last seen, or the newest that fits.

    One in the address that was made with other controls moves the controls, and starts over.
    """
    address = st.query_params.get(RUN)
    run = jobs.find(address)
    if run is not None and not _fits(run, choice, recipe):
        reopen.reopen(run)
        st.rerun()
    if run is None:
        last = jobs.find(st.session_state.get(reopen.SHOWN))
        fits = last is not None and _fits(last, choice, recipe)
        run = last if fits else jobs.newest(choice.scenario, choice.seed, recipe)
    if address and (run is None or run.id != address):
        st.toast(_("The run of this link was deleted."))
    _remember(run)
    return run


def is_labelled(name: str, seed: int) -> bool:
    """Tell whether somebody said what is true of the samples of a network."""
    return catalogue.entry(name, seed).against == "labels"


def plan(name: str, seed: int) -> Finetune:
    """Return how the network would be fine-tuned now."""
    return tuning.chosen(is_labelled(name, seed))


def start(name: str, seed: int, recipe: Recipe) -> None:
    """Hand a new run to the engine and show it."""
    run = jobs.engine().start(name, seed, replace(recipe, finetune=plan(name, seed)))
    _remember(run)
    st.rerun()


def standing(
    name: str, seed: int, recipe: Recipe, run: "Run | None", events: Sequence[Any]
) -> tuple["Worth", "Worth", "Worth"]:
    """
    Return what original, compressed and trained network are worth, on the same samples.

    It is what the meter of Explore knows by now, until a run has measured them.
    """
    from compress_core.worth import Worth

    if run is not None and run.outcome is not None:
        outcome = run.outcome
        return (
            Worth.from_dict(outcome["original"]["validation"]),
            Worth.from_dict(outcome["compressed"]["validation"]),
            Worth.from_dict(outcome["final"]["validation"]),
        )
    reading = meter.known(name, seed, recipe)
    was, now, total = reading.was, reading.now, reading.total
    ends = [e for e in events if isinstance(e, EpochEnd)]
    if not ends:
        return was, now, now
    return (
        replace(was, accuracy=_original(name, seed, total)),
        replace(now, accuracy=_counted(ends[0].validation_accuracy, total)),
        # The last that was best: earlier turns are less compressed, so better says little.
        replace(now, accuracy=_counted(_kept(ends).validation_accuracy, total)),
    )


def moving(name: str, seed: int, recipe: Recipe, run: "Run | None") -> bool:
    """Tell whether there will be other numbers: a run is at work, or the meter is."""
    if run is not None and (run.outcome is not None or run.state in jobs.ACTIVE):
        return run.state in jobs.ACTIVE
    return not meter.settled(name, seed, recipe)


def _kept(ends: Sequence[EpochEnd]) -> EpochEnd:
    """Return the epoch whose state is kept at the moment."""
    return next((end for end in reversed(ends) if end.best), ends[0])


def settings(name: str, seed: int) -> None:
    """Draw how to fine-tune, and what mixed precision means on this machine."""
    from compress_core.precision import choose_precision

    scenario, labelled = cached.scenario(name, seed), is_labelled(name, seed)
    chosen = tuning.chosen(labelled)
    reason = choose_precision(scenario.network.module, chosen.amp).reason
    tuning.controls(chosen, len(scenario.data.train), tell(reason))
    if not labelled:
        st.caption(_("Nobody labelled these samples: it learns from the original's answers."))
    with st.expander(_("More techniques"), key="recover.more"):
        tuning.more(chosen, labelled)


def speed(name: str, seed: int, recipe: Recipe) -> None:
    """Measure, when asked, what mixed precision gains here; the answer stays for the session."""
    key = f"recover.speed.{name}.{seed}.{recipe.digest()}"
    if st.button(
        _("How much faster is mixed precision here?"),
        key="recover.speed",
        type="tertiary",
        icon=":material/speed:",
        help=_("Takes a few training steps both ways, in turns, and throws them away."),
    ):
        with st.spinner(_("Taking steps both ways …")):
            st.session_state[key] = _compare(name, seed, recipe, plan(name, seed))
    if key in st.session_state:
        st.caption(speed_sentence(st.session_state[key]))


def speed_sentence(times: "StepTimes") -> str:
    """Say in words what mixed precision gains, also when it gains nothing."""
    if times.dtype == "float32":
        return _("This machine trains in float32 either way.")
    if times.speedup < 1 - SAME:
        verdict = _("Slower here: switch it off for this network.")
    elif times.speedup < 1 + SAME:
        verdict = _("No difference here.")
    else:
        verdict = _("{ratio} faster here.").format(ratio=words.times(times.speedup))
    text = _("{verdict} {amp} instead of {fp32} per step ({dtype}, measured on {count}).").format(
        verdict=verdict,
        amp=run_words.milliseconds(times.amp_seconds),
        fp32=run_words.milliseconds(times.fp32_seconds),
        dtype=times.dtype,
        count=ngettext("{count} step", "{count} steps", times.steps).format(count=times.steps),
    )
    if times.highest > RESTLESS * times.lowest:
        text += " " + _("The machine was busy meanwhile, so take this with a grain of salt.")
    return text


def _compare(name: str, seed: int, recipe: Recipe, how: Finetune) -> "StepTimes":
    from compress_core.speed import compare_step_time

    data = cached.scenario(name, seed).data
    return compare_step_time(
        cached.compressed(name, seed, recipe), how, data, limit=LONGEST_COMPARISON
    )


def _fits(run: "Run", choice: "Choice", recipe: Recipe) -> bool:
    made_of = (run.scenario, run.seed, jobs.steps_of(run.recipe))
    return made_of == (choice.scenario, choice.seed, recipe)


def _remember(run: "Run | None") -> None:
    if run is None:
        st.query_params.pop(RUN, None)
        st.session_state.pop(reopen.SHOWN, None)
    else:
        st.query_params[RUN] = run.id
        st.session_state[reopen.SHOWN] = run.id


def _original(name: str, seed: int, total: int) -> Measured:
    """Return the original's accuracy on all validation samples, from the record of its training."""
    curve = cached.scenario(name, seed).record.get("curve")
    if curve is None:  # nobody told how it was trained
        return cached.worth(name, seed, Recipe(), None).accuracy
    return _counted(max(epoch["validation_accuracy"] for epoch in curve), total)


def _counted(accuracy: float, total: int) -> Measured:
    return proportion(round(accuracy * total), total)
