"""Six missions that check themselves against what was measured; the store keeps their progress."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.missions import MISSIONS, Measure, Mission, Progress, attempts_at, check
from pages.shared import frame, jobs, moon, run_words, state, tables, words
from pages.shared.lessons.parts import setting, wear
from pages.shared.words import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable

    from compress_core.runs import Run

PER_ROW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a mission says."""

    title: str
    why: str
    hint: str


WORDS: dict[str, Words] = {
    "pocket": Words(
        title=N_("Fit LeNet-5 into 10 kB, and lose at most a point"),
        why=N_(
            "It teaches how pruning, few bits and training on work together: none of them gets "
            "there alone."
        ),
        hint=N_(
            "Remove about 85 % with the spread LAMP (More techniques), take 4 bits, leave the "
            "activations off. Then win it back: five epochs at a bold learning rate."
        ),
    ),
    "swift": Words(
        title=N_("Make VGG-small 3× as fast in ONNX Runtime, and lose at most two points"),
        why=N_(
            "It teaches what makes a network fast: smaller shapes and integers. Zeros do not. The "
            "speed counts as Export measures it on your machine."
        ),
        hint=N_(
            "Remove about half of the channels, in multiples of eight, and round weights and "
            "activations to 8 bits. Win the accuracy back with two epochs at a bold learning rate, "
            "then make the ONNX file in Export."
        ),
    ),
    "slim": Words(
        title=N_("Remove half of the channels of ResNet-20, and win it back to two points"),
        why=N_(
            "It teaches patience: right after the cut the network seems broken, and training on "
            "brings it back. At most 30 % of the multiplications may be left, which is what half "
            "of the channels leave."
        ),
        hint=N_(
            "More techniques: remove whole channels, 50 %, and leave all bits. In Recover, train "
            "two or three epochs at a bold learning rate."
        ),
    ),
    "scratch": Words(
        title=N_("Beat the small network that was trained from scratch, twice over"),
        why=N_(
            "It teaches the one fair comparison: a small network trained from the start, stored in "
            "8 bits. Yours has to be as accurate in half of its bytes."
        ),
        hint=N_(
            "LeNet-300-100 has weights to spare. Remove 85 % with the spread LAMP, round to 4 "
            "bits, activations off, and win it back in two epochs."
        ),
    ),
    "words": Words(
        title=N_("Reviews in less than 4 bits a weight, with no measurable loss"),
        why=N_(
            "It teaches that beside the codes there are scales to be stored, one for each word "
            "here, and that a good range matters more than it seems. At least as many of the "
            "reviews must be judged rightly as by the original."
        ),
        hint=N_(
            "Remove nothing. 4 bits, activations off; one scale for a whole layer; let the range "
            "with the least error be chosen (More techniques)."
        ),
    ),
    "moon": Words(
        title=N_("Land on the moon with less than 4 kB"),
        why=N_(
            "It teaches that doing something else is not always doing worse: what counts is how "
            "whole games end. 200 points are a good landing; 100 games nobody has learned from "
            "decide."
        ),
        hint=N_("4 or 5 bits, nothing removed, activations off. Then let it play below."),
    ),
}
STATES = {
    "open": (N_("Not started"), ":material/radio_button_unchecked:", "gray"),
    "begun": (N_("So far"), ":material/timelapse:", "gray"),
    "done": (N_("Done"), ":material/check_circle:", "blue"),
}
MEASURES: dict[Measure, tuple[str, str, "Callable[[float], str]"]] = {
    "bytes": (N_("Packed size"), N_("at most {bound}"), words.size),
    "drop": (N_("Accuracy lost"), N_("at most {bound}"), lambda value: _points(value)),
    "work": (N_("Multiplications left"), N_("at most {bound}"), lambda v: words.percent(v, 1)),
    "speedup": (N_("Speed in ONNX Runtime"), N_("at least {bound}"), words.times),
    "control": (N_("Smaller than from scratch"), N_("at least {bound}"), words.times),
    "score": (N_("Mean of 100 games"), N_("at least {bound}"), lambda value: _score(value)),
}  # fmt: skip
"""Measure -> its name, how a bound of it is said, and how a value is."""


def missions() -> None:
    """Draw a card for each mission."""
    runs = jobs.store().list(task=None)
    standing = {mission.name: check(mission, attempts_at(mission, runs)) for mission in MISSIONS}
    count = sum(progress.state == "done" for progress in standing.values())
    st.markdown(
        _(
            "{count} of {all} accomplished. Nobody ticks them off: each looks at what was measured "
            "on validation samples, in the fitting room, in your runs and in your exports."
        ).format(count=count, all=len(MISSIONS))
    )
    for start in range(0, len(MISSIONS), PER_ROW):
        columns = st.columns(PER_ROW, gap="medium")
        for column, mission in zip(columns, MISSIONS[start:], strict=False):
            with column, st.container(
                border=True, height="stretch", key=f"learn.mission.{mission.name}"
            ):  # fmt: skip
                _card(mission, standing[mission.name], runs)


def _card(mission: Mission, progress: Progress, runs: "list[Run]") -> None:
    said = WORDS[mission.name]
    label, icon, colour = STATES[progress.state]
    text = _(label)
    if progress.state == "done" and progress.best:
        text = _("{done} · {moment}").format(done=text, moment=run_words.moment(progress.best.when))
    with st.container(height="stretch"):
        st.badge(text, icon=icon, color=colour)  # type: ignore[arg-type]
        st.subheader(_(said.title), anchor=False)
        st.markdown(_(said.why))
        tables.facts(
            [_row(mission, progress, place) for place in range(len(mission.limits))],
            ["", _("Wanted"), _("Measured")],
            alt=_("What is wanted, and the best that was measured so far"),
        )
        with st.expander(_("A hint"), key=f"learn.hint.{mission.name}"):
            st.markdown(_(said.hint))
        if mission.name == "moon":
            moon.play(mission, runs)
    if st.button(
        _("Begin") if progress.state == "open" else _("Go on"),
        key=f"learn.begin.{mission.name}",
        icon=":material/checkroom:",
        help=_("Opens {network} in the fitting room, untouched.").format(
            network=words.network(mission.scenario)
        )
        if state.choice().scenario != mission.scenario
        else _("Opens the fitting room as you left it."),
    ):
        if state.choice().scenario != mission.scenario:
            wear(setting(mission.scenario))
        st.switch_page(frame.EXPLORE)


def _row(mission: Mission, progress: Progress, place: int) -> tuple[str, str, str]:
    limit = mission.limits[place]
    name, wanted, say = MEASURES[limit.measure]
    value = progress.best.numbers.get(limit.measure) if progress.best else None
    found = "–" if value is None else f"{say(value)} {'✓' if limit.met(value) else '✗'}"
    return _(name), _(wanted).format(bound=_bare(say(limit.bound))), found


def _bare(text: str) -> str:
    """Return a round number without its zeros: 10 kB for 10.0 kB."""
    return re.sub(r"\.0+(?=\D|$)", "", text)


def _points(fraction: float) -> str:
    return f"{words.three(100 * fraction)} {_('pt')}"


def _score(points: float) -> str:
    return _("{points} points").format(points=words.three(points))
