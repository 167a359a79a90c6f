import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest

from compress_core.checkpoint import from_bytes
from compress_core.events import EpochEnd, Finished, Improved, Started, StepEnd
from compress_core.owner import this_process
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.runs import Run, Store, open_store
from compress_core.scenarios import load_scenario
from compress_core.work import work
from compress_core.worth import Worth, worth

STEPS = (Prune(sparsity=0.9), Quantize(weight_bits=4))
BRIEF = Finetune(epochs=2, samples=256, lr=0.01)
ENDLESS = Finetune(epochs=1000, batch_size=8)


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    store = open_store()
    yield store
    store.close()


def do(store: Store, recipe: Recipe, scenario: str = "digits/simple-nn") -> Run:
    run = store.create(scenario, 0, recipe)
    work(run.id, store)
    return store.get(run.id)


def test_a_fine_tuning_leaves_its_story_and_its_best_state(store: Store) -> None:
    run = do(store, Recipe(steps=STEPS, finetune=BRIEF))
    happened = [event for _, event in store.events(run.id)]
    scenario = load_scenario("digits/simple-nn")

    assert (run.state, run.step, run.steps, run.reason) == ("finished", 4, 4, None)
    assert isinstance(happened[0], Started) and isinstance(happened[-1], Finished)
    assert [e.step for e in happened if isinstance(e, StepEnd)] == [1, 2, 3, 4]
    assert [e.epoch for e in happened if isinstance(e, EpochEnd)] == [0, 1, 2]
    assert any(isinstance(e, Improved) and e.epoch > 0 for e in happened)

    assert run.outcome is not None and run.checkpoint is not None
    best = from_bytes(store.artifacts.get(run.checkpoint), scenario.network, run.recipe)
    for name in ("validation", "test"):
        stored = Worth.from_dict(run.outcome["final"][name])
        assert stored == worth(best, getattr(scenario.data, name))


def test_each_number_of_the_outcome_names_its_part(store: Store) -> None:
    outcome = do(store, Recipe(steps=STEPS, finetune=BRIEF)).outcome
    assert outcome is not None
    worths = {
        (who, part): Worth.from_dict(outcome[who][part])
        for who in ("original", "compressed", "final")
        for part in outcome[who]
    }

    assert set(worths) == {
        ("original", "validation"),
        ("original", "test"),
        ("compressed", "validation"),
        ("final", "validation"),
        ("final", "test"),
    }
    assert all(part == value.part for (_, part), value in worths.items())
    before, after = worths["compressed", "validation"], worths["final", "validation"]
    assert before.accuracy.value < after.accuracy.value
    assert outcome["training"]["validation_accuracy"] == after.accuracy.value
    assert json.loads(json.dumps(outcome)) == outcome


def test_a_recipe_without_fine_tuning_is_done_at_once(store: Store) -> None:
    run = do(store, Recipe(steps=STEPS))

    assert run.state == "finished" and run.outcome is not None and run.checkpoint
    assert run.outcome["training"] is None
    assert run.outcome["final"]["validation"] == run.outcome["compressed"]["validation"]
    assert store.events(run.id) == []


def test_a_cancelled_run_keeps_its_best_and_has_an_outcome(store: Store) -> None:
    run = store.create("digits/simple-nn", 0, Recipe(steps=STEPS, finetune=ENDLESS))
    thread = Thread(target=work, args=(run.id, store))
    thread.start()
    deadline = monotonic() + 120
    while store.get(run.id).step == 0 and monotonic() < deadline:
        sleep(0.05)
    left = store.get(run.id).seconds_left
    store.request_cancel(run.id)
    thread.join(120)
    run = store.get(run.id)

    assert run.state == "cancelled" and 0 < run.step < run.steps
    assert left is not None and left > 0
    assert run.outcome is not None and run.outcome["training"]["cancelled"]
    assert run.checkpoint and store.artifacts.get(run.checkpoint)


@pytest.mark.parametrize(
    ("recipe", "scenario", "reason"),
    [
        (
            Recipe(steps=(Prune(sparsity=0.5, layers="conv*"),)),
            "digits/simple-nn",
            "No layer is called 'conv*'",
        ),
        (Recipe(), "digits/nothing", "There is no scenario 'digits/nothing'"),
    ],
    ids=["pattern", "scenario"],
)
def test_what_cannot_be_done_fails_with_one_sentence(
    store: Store, recipe: Recipe, scenario: str, reason: str
) -> None:
    run = do(store, recipe, scenario)

    assert run.state == "failed" and run.reason and run.reason.startswith(reason)
    assert run.reason.endswith(".") and "\n" not in run.reason
    assert run.trace and "Traceback" in run.trace


def test_to_work_again_on_what_is_over_changes_nothing(store: Store) -> None:
    run = do(store, Recipe(steps=STEPS))
    work(run.id, store)

    assert store.get(run.id) == run


def test_a_run_that_somebody_works_on_is_left_to_them(store: Store) -> None:
    run = store.create("digits/simple-nn", 0, Recipe())
    store.claim(run.id, this_process())
    work(run.id, store)

    assert store.get(run.id).state == "running"


def test_a_deleted_run_is_no_work(store: Store) -> None:
    run = store.create("digits/simple-nn", 0, Recipe())
    store.delete(run.id)
    work(run.id, store)

    assert store.list() == []
