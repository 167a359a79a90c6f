"""The live meter: before and after in numbers, refined in the background while somebody looks."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.recipe import Recipe
from pages.shared import cached, rates, tables
from pages.shared import words as w
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.compressed import Compressed
    from compress_core.refine import Refinement
    from compress_core.worth import Worth

POLL = 0.3
"""Seconds between two looks at what is being measured."""
PATIENCE = 0.5
"""Seconds that a page waits for the first result, so that few are drawn without one."""
PENDING = "meter-pending"
"""Key of what is on the page as long as something is being measured."""
_RUNNING = "meter.running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known at one moment: whatever a page says of a network comes from one reading."""

    was: "Worth"
    now: "Worth"
    """Measured on the same samples; `UNMEASURED` at first."""
    total: int
    """Samples that will have been looked at in the end."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to be measured."""
        return self.now.accuracy.n == self.total


def knows(name: str, seed: int) -> bool:
    """Tell whether what was measured last in this session was a recipe for this network."""
    known = st.session_state.get(_RUNNING, ((),))[0]
    return known[:2] == (name, seed)


def begin(name: str, seed: int, recipe: Recipe) -> None:
    """Begin to measure a recipe, unless that is going on; what was measured before is dropped."""
    from compress_core.memory import reusing
    from compress_core.refine import Refinement, first_samples, look_first

    key = cached.entry_of(name, seed, recipe)
    known, running = st.session_state.get(_RUNNING, (None, None))
    if known == key:
        return
    if running is not None:
        running.stop()
    base = cached.scenario(name, seed)
    networks: dict[Hashable, Compressed] = {
        cached.entry_of(name, seed, worn): cached.compressed(name, seed, worn)
        for worn in (Recipe(), recipe)
    }
    part, ledger = base.data.validation, cached.ledger()
    first = first_samples(base.network.macs, len(part))
    reusing(lambda: look_first(networks, part, first, ledger))
    cached.sizes(name, seed, recipe)  # wanted with the first result: nothing more is measured yet
    running = Refinement(networks, part, first, ledger)
    st.session_state[_RUNNING] = key, running


def read(name: str, seed: int, recipe: Recipe) -> Reading:
    """Return what is known by now of the recipe that is being measured."""
    running: Refinement = st.session_state[_RUNNING][1]
    running.wait(PATIENCE)
    answers = running.answers
    was, now = (
        cached.judged(name, seed, worn, answers.get(cached.entry_of(name, seed, worn)))
        for worn in (Recipe(), recipe)
    )
    return Reading(was=was, now=now, total=running.total)


def settled(name: str, seed: int, recipe: Recipe) -> bool:
    """Tell whether a recipe is measured on all samples; otherwise that is begun."""
    begin(name, seed, recipe)
    running: Refinement = st.session_state[_RUNNING][1]
    return running.over


def known(name: str, seed: int, recipe: Recipe) -> Reading:
    """
    Return what is known by now of a recipe, and wait where that is nothing yet.

    Every page that tells an accuracy reads it here, so that no two tell different ones.
    """
    begin(name, seed, recipe)
    running: Refinement = st.session_state[_RUNNING][1]
    running.wait(None)
    return read(name, seed, recipe)


def follow(show: Callable[[Reading], None], name: str, seed: int, recipe: Recipe) -> None:
    """Show what is known of the recipe, again and again until all is known."""
    running: Refinement = st.session_state[_RUNNING][1]
    over = running.over
    look = st.fragment(_look, run_every=None if over else POLL)
    look(show, name, seed, recipe, over)


def _look(
    show: Callable[[Reading], None], name: str, seed: int, recipe: Recipe, was_over: bool
) -> None:
    reading = read(name, seed, recipe)
    show(reading)
    if reading.over and not was_over:
        st.rerun()  # so that looking again ends


def before_after(name: str, reading: Reading) -> None:
    """Show what a compression changed in the network of a scenario."""
    was, now = reading.was, reading.now
    counts = [
        (_("Parameters"), was.parameters, now.parameters),
        (_("Not zero"), was.nonzero, now.nonzero),
        (_("Multiplications"), was.macs, now.macs),
    ]
    rows = [
        (
            _("File"),
            w.size(was.fp32_bytes),
            w.size(now.packed_bytes),
            w.change(was.fp32_bytes, now.packed_bytes),
        ),
        (
            w.counted(now.against),
            w.accuracy(was.accuracy, was.against),
            w.accuracy(now.accuracy, now.against),
            w.difference(was.accuracy, now.accuracy, now.against),
        ),
        *_rates(name, reading),
        *((what, w.amount(b), w.amount(a), w.change(b, a)) for what, b, a in counts),
    ]
    header = [" ", f":blue[{_('Before')}]", f":orange[{_('After')}]", _("Change")]
    tables.facts(rows, header, alt=_("The network before and after compression"))
    with st.container(key="meter" if reading.over else PENDING):
        st.badge(badge(reading), color="gray")


def _rates(name: str, reading: Reading) -> list[tuple[str, str, str, str]]:
    both = (rates.figures(name, worth.per_class) for worth in (reading.was, reading.now))
    return [
        (a.line, w.accuracy(b.rate), w.accuracy(a.rate), w.difference(b.rate, a.rate))
        for b, a in zip(*both, strict=False)
    ]


def badge(reading: Reading) -> str:
    """Say what the accuracy stands on, and whether more is coming."""
    if reading.now.against == "nothing":
        return _("no samples: whether answers are right is unknown")
    if reading.over:
        return w.measured_on(reading.now.accuracy, reading.now.part)
    return _("measured · {count} of {samples} so far").format(
        count=f"{reading.now.accuracy.n:,}", samples=w.samples(reading.total, reading.now.part)
    )
