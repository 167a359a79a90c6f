from dataclasses import replace
from typing import Any

import pytest

from compress_core.compress import compress
from compress_core.control import load_control
from compress_core.measured import proportion
from compress_core.missions import (
    MISSIONS,
    Attempt,
    Limit,
    Measure,
    Mission,
    attempt_of,
    attempts_at,
    check,
    further,
    measured,
)
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.runs import Store, open_store
from compress_core.scenarios import list_scenarios, load_scenario
from compress_core.try_out import timed
from compress_core.work import work
from compress_core.worth import worth

SMALL = Mission(
    name="small",
    scenario="digits/simple-nn",
    limits=(Limit(measure="bytes", bound=1000), Limit(measure="drop", bound=0.01)),
)
RECIPE = Recipe(steps=(Prune(sparsity=0.5),))


def attempt(when: float = 0.0, **numbers: float) -> Attempt:
    return Attempt(numbers=numbers, when=when)  # type: ignore[arg-type]


def test_nothing_measured_is_not_started() -> None:
    assert check(SMALL, []).state == "open"


def test_one_limit_alone_is_not_enough() -> None:
    progress = check(SMALL, [attempt(bytes=900, drop=0.05)])
    assert progress.state == "begun"
    assert progress.best == attempt(bytes=900, drop=0.05)


def test_what_was_not_measured_does_not_count() -> None:
    assert check(SMALL, [attempt(bytes=900)]).state == "begun"


def test_bounds_themselves_are_good_enough() -> None:
    assert check(SMALL, [attempt(bytes=1000, drop=0.01)]).state == "done"


def test_the_first_that_holds_every_limit_ends_it() -> None:
    attempts = [
        attempt(3, bytes=500, drop=0.0),
        attempt(2, bytes=999, drop=0.005),
        attempt(1, bytes=1500, drop=0.0),
    ]
    progress = check(SMALL, attempts)
    assert progress.state == "done"
    assert progress.best is not None and progress.best.when == 2


def test_the_nearest_is_shown_until_then() -> None:
    near, far = attempt(1, bytes=1100, drop=0.0), attempt(2, bytes=1900, drop=0.0)
    assert check(SMALL, [near, far]).best == near
    assert check(SMALL, [far, near]).best == near


def test_more_is_better_for_speed() -> None:
    fast = replace(SMALL, limits=(Limit(measure="speedup", bound=3.0),))
    assert check(fast, [attempt(speedup=2.9)]).state == "begun"
    assert check(fast, [attempt(speedup=3.1)]).state == "done"


def test_only_what_is_nearer_is_worth_noting() -> None:
    before = check(SMALL, [attempt(bytes=1100, drop=0.0)])
    assert further(SMALL, before, {"bytes": 1050, "drop": 0.0})
    assert not further(SMALL, before, {"bytes": 1100, "drop": 0.0})
    done = check(SMALL, [attempt(bytes=900, drop=0.0)])
    assert not further(SMALL, done, {"bytes": 1, "drop": -0.5})


@pytest.fixture
def store() -> Store:
    return open_store()


def outcome(right: int) -> dict[str, Any]:
    scenario = load_scenario("digits/simple-nn")
    was = worth(scenario.network, scenario.data.validation)
    now = replace(was, accuracy=proportion(right, 360), packed_bytes=4175, macs=was.macs // 2)
    was = replace(was, accuracy=proportion(354, 360))
    return {"original": {"validation": was.to_dict()}, "final": {"validation": now.to_dict()}}


def test_numbers_come_from_validation_and_the_control_from_small_networks() -> None:
    numbers = measured("digits/simple-nn", outcome(353))
    assert numbers["drop"] == pytest.approx(1 / 360)
    assert numbers["work"] == pytest.approx(0.5, abs=0.01)
    curve = load_control("digits/simple-nn")
    reached = next(p for p in curve if p.validation.value >= 353 / 360)
    assert numbers["control"] <= reached.packed_bytes / 4175


def test_what_the_fitting_room_measured_is_there_after_a_restart(store: Store) -> None:
    store.note("digits/simple-nn", 0, RECIPE, outcome(353) | {"speedup": 1.5})
    store.close()
    again = open_store()
    (run,) = again.list(task="fitting")
    assert (run.state, run.recipe) == ("finished", RECIPE)
    found = attempt_of(run)
    assert found is not None
    assert found.numbers["bytes"] == 4175
    assert found.numbers["speedup"] == 1.5
    assert again.list() == [], "it is no run of its own in the history"
    again.close()


def test_whole_games_count_only_when_all_were_played(store: Store) -> None:
    moon = next(m for m in MISSIONS if m.name == "moon")
    for cancelled in (True, False):
        run = store.create("lander/mlp", 0, RECIPE, "returns")
        store.claim(run.id, "somebody")
        score = {"compressed": {"value": 210.0}, "packed_bytes": 3000}
        store.finish(run.id, score, cancelled=cancelled)
    found = attempts_at(moon, store.list(task=None))
    assert [dict(each.numbers) for each in found] == [{"bytes": 3000, "score": 210.0}]
    assert check(moon, found).state == "done"
    store.close()


def test_every_mission_is_on_a_network_that_is_there() -> None:
    assert len(MISSIONS) == 6
    assert {mission.scenario for mission in MISSIONS} <= set(list_scenarios())
    names: set[Measure] = {limit.measure for m in MISSIONS for limit in m.limits}
    assert names == {"bytes", "drop", "work", "speedup", "control", "score"}


LANDER = Recipe(steps=(Quantize(weight_bits=4),))
SOLUTIONS: dict[str, Recipe] = {
    "pocket": Recipe(
        steps=(Prune(sparsity=0.85, allocation="lamp"), Quantize(weight_bits=4)),
        finetune=Finetune(epochs=5, lr=3e-3),
    ),
    "swift": Recipe(
        steps=(
            Prune(sparsity=0.5, granularity="channel", round_to=8),
            Quantize(weight_bits=8, activation_bits=8),
        ),
        finetune=Finetune(epochs=2, lr=3e-3),
    ),
    "slim": Recipe(
        steps=(Prune(sparsity=0.5, granularity="channel"),),
        finetune=Finetune(epochs=2, lr=3e-3),
    ),
    "scratch": Recipe(
        steps=(Prune(sparsity=0.85, allocation="lamp"), Quantize(weight_bits=4)),
        finetune=Finetune(epochs=2),
    ),
    "words": Recipe(steps=(Quantize(weight_bits=4, granularity="per_tensor", calibration="mse"),)),
}
"""What the hints say, each as a recipe; trained with the numbers that a worker trains with."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_hint_solves_the_mission(name: str, store: Store) -> None:
    mission = next(m for m in MISSIONS if m.name == name)
    run = store.create(mission.scenario, 0, SOLUTIONS[name])
    work(run.id, store)
    done = store.get(run.id)
    assert done.outcome is not None, done.reason
    if name == "swift":
        scenario = load_scenario(mission.scenario)
        shape = compress(scenario.network, replace(SOLUTIONS[name], finetune=None), scenario.data)
        speedup = timed(shape, scenario.data.validation.inputs(0, 1)).speedup
        store.note(mission.scenario, 0, run.recipe, done.outcome | {"speedup": speedup})
    progress = check(mission, attempts_at(mission, store.list(task=None)))
    assert progress.state == "done", progress
    store.close()


@pytest.mark.slow
def test_four_bits_land_on_the_moon(store: Store) -> None:
    pytest.importorskip("gymnasium")
    mission = next(m for m in MISSIONS if m.name == "moon")
    run = store.create(mission.scenario, 0, LANDER, "returns")
    work(run.id, store)
    assert check(mission, attempts_at(mission, store.list(task=None))).state == "done"
    store.close()
