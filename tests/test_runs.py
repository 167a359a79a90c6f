import pickle
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from compress_core.events import EpochEnd, Finished, Improved, Started, StepEnd
from compress_core.owner import this_process
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.runs import Run, Store, open_store
from compress_core.schema import EVENT_KINDS, StoredEvent

RECIPE = Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=4)), finetune=Finetune(epochs=2))
ELSEWHERE = "elsewhere/1/1.00"
EVENTS: tuple[StoredEvent, ...] = (
    Started(steps=2, epochs=1, dtype="bfloat16", channels_last=False, reason="It can."),
    StepEnd(step=1, loss=0.5, lr=1e-3, seconds=0.01),
    EpochEnd(epoch=1, step=2, loss=None, validation_loss=0.4, validation_accuracy=0.9, best=True),
    Improved(epoch=1, validation_accuracy=0.9, result=None),
    Finished(
        cancelled=False,
        best_epoch=1,
        validation_accuracy=0.9,
        seconds=2.0,
        seconds_per_step=1.0,
        dtype="bfloat16",
        result=None,
    ),
)


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    store = open_store()
    yield store
    store.close()


@pytest.fixture
def queued(store: Store) -> Run:
    return store.create("digits/simple-nn", 1, RECIPE)


@pytest.fixture
def running(store: Store, queued: Run) -> Run:
    store.claim(queued.id, this_process())
    return store.get(queued.id)


def change(store: Store, run: Run, column: str, value: Any) -> None:
    """Reach into the database, as time and other machines would."""
    connection = sqlite3.connect(store.home / "runs.sqlite3", timeout=30)
    with connection:
        connection.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, run.id))
    connection.close()


def test_a_new_run_is_queued_and_holds_what_was_asked(store: Store, queued: Run) -> None:
    assert store.get(queued.id) == queued
    assert (queued.scenario, queued.seed, queued.recipe) == ("digits/simple-nn", 1, RECIPE)
    assert (queued.state, queued.step, queued.steps) == ("queued", 0, 0)
    assert queued.outcome is None and queued.reason is None and queued.checkpoint is None


def test_an_unknown_run_is_an_error(store: Store) -> None:
    with pytest.raises(KeyError, match="There is no run nonsense"):
        store.get("nonsense")


def test_runs_are_listed_newest_first_and_by_state(store: Store) -> None:
    first, second, third = (store.create("digits/simple-nn", seed, RECIPE) for seed in range(3))
    store.claim(second.id, this_process())

    assert [run.id for run in store.list()] == [third.id, second.id, first.id]
    assert [run.id for run in store.list("running")] == [second.id]
    assert [run.id for run in store.list("queued", "failed")] == [third.id, first.id]


def test_of_all_who_claim_a_run_one_gets_it(store: Store, queued: Run) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: store.claim(queued.id, f"here/{number}/1"), range(8)))

    assert got.count(True) == 1
    assert store.get(queued.id).owner == f"here/{got.index(True)}/1"


def test_progress_and_a_finish_are_written_down(store: Store, running: Run) -> None:
    store.progress(running.id, 3, 10, 7.5)
    run = store.get(running.id)

    assert (run.step, run.steps, run.seconds_left) == (3, 10, 7.5)

    store.finish(running.id, {"final": [1, None]}, cancelled=False)
    run = store.get(running.id)

    assert (run.state, run.outcome, run.seconds_left) == ("finished", {"final": [1, None]}, None)
    assert run.created <= (run.started or 0) <= (run.ended or 0)


def test_what_is_over_stays_as_it_is(store: Store, running: Run) -> None:
    store.finish(running.id, {}, cancelled=True)
    over = store.get(running.id)
    store.fail(running.id, "Too late.")
    store.request_cancel(running.id)
    store.progress(running.id, 9, 9, None)
    store.keep(running.id, b"late")

    assert store.get(running.id) == over
    assert not store.claim(running.id, this_process())
    assert not store.beat(running.id, this_process())


def test_a_failure_has_a_reason_and_keeps_the_checkpoint(store: Store, running: Run) -> None:
    store.keep(running.id, b"best")
    store.fail(running.id, "The disk is full.", "Traceback ...")
    run = store.get(running.id)

    assert (run.state, run.reason, run.trace) == ("failed", "The disk is full.", "Traceback ...")
    assert run.checkpoint and store.artifacts.get(run.checkpoint) == b"best"


def test_a_queued_run_is_cancelled_at_once(store: Store, queued: Run) -> None:
    store.request_cancel(queued.id)

    assert store.get(queued.id).state == "cancelled"
    assert not store.claim(queued.id, this_process())


def test_a_running_run_is_asked_to_stop(store: Store, running: Run) -> None:
    assert not store.cancel_requested(running.id)

    store.request_cancel(running.id)

    assert store.cancel_requested(running.id)
    assert store.get(running.id).state == "running"


def test_every_kind_of_event_has_an_example_here() -> None:
    assert {event.kind for event in EVENTS} == set(EVENT_KINDS)


def test_events_come_back_equal_and_in_order(store: Store, running: Run) -> None:
    store.append(running.id, EVENTS[:2])
    store.append(running.id, [])
    store.append(running.id, EVENTS[2:])
    found = store.events(running.id)

    assert tuple(event for _, event in found) == EVENTS
    assert store.events(running.id, after=found[2][0]) == found[3:]


def test_results_are_not_stored_and_numbers_that_are_none_are(store: Store, running: Run) -> None:
    store.append(running.id, [Improved(epoch=0, validation_accuracy=0.5, result=object())])
    store.append(running.id, [StepEnd(step=1, loss=float("nan"), lr=0.1, seconds=0.1)])
    (_, improved), (_, step) = store.events(running.id)

    assert improved == Improved(epoch=0, validation_accuracy=0.5, result=None)
    assert isinstance(step, StepEnd) and isnan(step.loss)


def test_a_better_checkpoint_replaces_the_one_before(store: Store, running: Run) -> None:
    store.keep(running.id, b"good")
    good = store.get(running.id).checkpoint
    store.keep(running.id, b"better")
    better = store.get(running.id).checkpoint

    assert good and better and store.artifacts.get(better) == b"better"
    with pytest.raises(ValueError, match="is gone"):
        store.artifacts.get(good)


def test_a_deleted_run_takes_its_checkpoint_along_unless_it_is_shared(store: Store) -> None:
    twins = [store.create("digits/simple-nn", 0, RECIPE) for _ in range(2)]
    for run in twins:
        store.claim(run.id, this_process())
        store.keep(run.id, b"same")
        store.append(run.id, EVENTS)
        store.finish(run.id, {}, cancelled=False)
    checkpoint = store.get(twins[0].id).checkpoint

    store.delete(twins[0].id)

    assert checkpoint and store.artifacts.get(checkpoint) == b"same"
    assert [run.id for run in store.list()] == [twins[1].id]
    assert store.events(twins[0].id) == [] and len(store.events(twins[1].id)) == len(EVENTS)

    store.delete(twins[1].id)

    with pytest.raises(ValueError, match="is gone"):
        store.artifacts.get(checkpoint)


def test_a_run_at_work_is_not_deleted(store: Store, running: Run) -> None:
    store.append(running.id, EVENTS)

    with pytest.raises(ValueError, match="cancel it before"):
        store.delete(running.id)
    assert len(store.events(running.id)) == len(EVENTS)


def test_a_run_without_a_sign_of_life_is_failed_when_somebody_looks(
    store: Store, queued: Run
) -> None:
    store.claim(queued.id, ELSEWHERE)
    store.keep(queued.id, b"best")
    change(store, queued, "heartbeat", 1.0)
    run = store.get(queued.id)

    assert run.state == "failed"
    assert run.reason == (
        "The process that worked on this run ended unexpectedly; its best state so far is kept."
    )
    assert run.checkpoint and store.artifacts.get(run.checkpoint) == b"best"
    assert not store.beat(queued.id, ELSEWHERE)


def test_a_list_of_running_runs_has_no_lost_ones(store: Store, queued: Run) -> None:
    store.claim(queued.id, ELSEWHERE)
    change(store, queued, "heartbeat", 1.0)

    assert store.list("running") == []
    assert "nothing was ready to keep" in (store.get(queued.id).reason or "")


def test_a_living_process_is_believed_whatever_the_clock_says(store: Store, running: Run) -> None:
    change(store, running, "heartbeat", 1.0)

    assert store.get(running.id).state == "running"


def test_a_store_travels_as_an_address(store: Store, queued: Run) -> None:
    copy = pickle.loads(pickle.dumps(store))

    assert copy.get(queued.id) == queued
    copy.close()


def test_pages_read_while_the_worker_writes(store: Store, running: Run) -> None:
    connection = sqlite3.connect(store.home / "runs.sqlite3", timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE runs SET step = 7")

    assert store.get(running.id).step == 0

    connection.commit()
    connection.close()

    assert store.get(running.id).step == 7


def test_the_environment_says_where_the_store_is(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITTING_ROOM_DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite3'}")
    store = open_store()

    assert store.home == home
    assert (tmp_path / "other.sqlite3").is_file() and not (home / "runs.sqlite3").exists()
    store.close()


def test_a_store_of_an_earlier_version_is_brought_up_to_date(store: Store, queued: Run) -> None:
    store.close()
    with sqlite3.connect(store.home / "runs.sqlite3") as database:
        database.execute("ALTER TABLE runs DROP COLUMN task")
    again = Store(store.home)
    assert again.get(queued.id) == queued and again.list(task="recipe") == [queued]
    again.close()
