"""
Runs: where they are kept and carried out. The one place that holds the store and the engine.

The store is the only truth about a run, so whatever a page shows of one survives a reload, a
second tab and an end of the app.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core.recipe import Recipe
from compress_core.runs import Run, State, Store, open_store
from pages.shared import cached

if TYPE_CHECKING:
    from compress_core.compressed import Compressed
    from compress_core.engine import Engine
    from compress_core.worth import Worth

ACTIVE: tuple[State, ...] = ("queued", "running")
_HAPPENED = "jobs.happened"


def store() -> Store:
    """Return the store of all runs; cheap, and it starts no process."""
    return _store(*_place())


def engine() -> "Engine":
    """Return what carries runs out; the first call starts its worker in the background."""
    return _engine(*_place())


def find(run_id: str | None) -> Run | None:
    """Return a run, or None when there is none of this name (any more)."""
    try:
        return store().get(run_id) if run_id else None
    except KeyError:
        return None


def newest(scenario: str, seed: int, recipe: Recipe) -> Run | None:
    """Return the newest fine-tuning of this recipe's steps on this network."""
    wanted = (scenario, seed, steps_of(recipe))
    for run in store().list():
        tuned = run.recipe.finetune is not None
        if tuned and (run.scenario, run.seed, steps_of(run.recipe)) == wanted:
            return run
    return None


def steps_of(recipe: Recipe) -> Recipe:
    """Return the recipe without its fine-tuning, as the controls of Explore describe it."""
    return replace(recipe, finetune=None)


def ahead_of(run: Run) -> int:
    """Return how many runs a queued one waits for."""
    return sum(other.created < run.created for other in store().list(*ACTIVE))


def happened(run_id: str) -> Sequence[Any]:
    """Return all events of a run; only those that came since the last look are read."""
    known, seq, events = st.session_state.get(_HAPPENED, (None, 0, ()))
    if known != run_id:
        seq, events = 0, ()
    if fresh := store().events(run_id, seq):
        seq, events = fresh[-1][0], (*events, *(event for _, event in fresh))
    st.session_state[_HAPPENED] = (run_id, seq, events)
    return events


def kept_worth(run: Run) -> "Worth":
    """Measure the best state that a run left, on all validation samples. Raises ValueError."""
    assert run.checkpoint is not None
    return _kept_worth(run.checkpoint, run)


@st.cache_data(max_entries=32, show_spinner=False)
def _kept_worth(checkpoint: str, _run: Run) -> "Worth":
    from compress_core.worth import worth

    return worth(_kept(_run), cached.scenario(_run.scenario, _run.seed).data.validation)


def _kept(run: Run) -> "Compressed":
    from compress_core.checkpoint import from_bytes

    assert run.checkpoint is not None
    network = cached.scenario(run.scenario, run.seed).network
    return from_bytes(store().artifacts.get(run.checkpoint), network, run.recipe)


def _place() -> tuple[str | None, ...]:
    names = ("FITTING_ROOM_HOME", "FITTING_ROOM_DATABASE_URL", "FITTING_ROOM_SCHEDULER")
    return tuple(os.environ.get(name) for name in names)


@st.cache_resource(show_spinner=False)
def _store(*place: str | None) -> Store:
    return open_store()


@st.cache_resource(show_spinner=False)
def _engine(*place: str | None) -> "Engine":
    from compress_core.engine import Engine

    return Engine(_store(*place))
