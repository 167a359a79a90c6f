from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from compress_core import mapping, sensitivity
from compress_core.mapping import measure_map, newest_map
from compress_core.owner import this_process
from compress_core.recipe import Recipe
from compress_core.runs import Run, Store, open_store
from compress_core.scenarios import load_scenario
from compress_core.sensitivity import cell_keys
from compress_core.sensitivity_map import SensitivityMap
from compress_core.work import work

NAME = "digits/simple-nn"


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store, and maps that are small enough for a test."""
    few = replace(sensitivity.WHOLE, samples=20, combinations=2, most=2)
    small = partial(sensitivity.measure_sensitivity, much=few)
    monkeypatch.setattr(mapping, "measure_sensitivity", small)
    store = open_store()
    yield store
    store.close()


def queued(store: Store) -> Run:
    return store.create(NAME, 0, Recipe(), "sensitivity")


def test_a_worker_measures_a_map_and_keeps_it(store: Store) -> None:
    run = queued(store)
    work(run.id, store)
    done = store.get(run.id)
    known = newest_map(store, NAME, 0)

    assert (done.state, done.reason, done.outcome) == ("finished", None, {"n": 20})
    assert known is not None and done.checkpoint is not None
    assert SensitivityMap.from_json(store.artifacts.get(done.checkpoint).decode()) == known
    assert list(known.by_key) == cell_keys(load_scenario(NAME).network)
    assert done.step == done.steps == len(known.cells) + 2
    assert newest_map(store, NAME, 1) is None


def test_a_map_that_was_cut_short_is_gone_on_with(store: Store) -> None:
    first = queued(store)
    store.claim(first.id, this_process())
    looks = count()
    outcome, cancelled = measure_map(store.get(first.id), store, lambda: next(looks) == 30)
    begun = newest_map(store, NAME, 0)
    assert cancelled and outcome == {"n": 20}
    assert begun is not None and len(begun.cells) == 30
    store.finish(first.id, outcome, cancelled=True)

    second = queued(store)
    store.claim(second.id, this_process())
    looks = count()
    measure_map(store.get(second.id), store, lambda: next(looks) < 0)
    whole = newest_map(store, NAME, 0)
    assert whole is not None and whole.cells[:30] == begun.cells
    assert next(looks) == len(whole.cells) + 2 - 30 + 1  # one look before anything is measured


def test_maps_are_no_runs_that_history_shows(store: Store) -> None:
    run = queued(store)
    recipe = store.create(NAME, 0, Recipe())
    assert [r.id for r in store.list()] == [recipe.id]
    assert [r.id for r in store.list(task="sensitivity")] == [run.id]
    assert {r.id for r in store.list("queued", task=None)} == {run.id, recipe.id}
