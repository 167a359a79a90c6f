from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from compress_core.closed_loop import policy_of, returns
from compress_core.games.episode import judging_seeds
from compress_core.games.table import GAMES
from compress_core.owner import this_process
from compress_core.playing import measure_returns
from compress_core.recipe import Prune, Recipe
from compress_core.runs import Store, open_store
from compress_core.scenarios import load_scenario
from compress_core.work import work

RUINED = Recipe(steps=(Prune(sparsity=0.98),))


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store, and so few games that a test can wait for them."""
    monkeypatch.setitem(GAMES, "lander", replace(GAMES["lander"], judged=3))
    store = open_store()
    yield store
    store.close()


def test_a_worker_lets_both_networks_play_the_same_games(store: Store) -> None:
    run = store.create("lander/mlp", 0, RUINED, "returns")
    work(run.id, store)
    done = store.get(run.id)
    assert (done.state, done.reason, done.step, done.steps) == ("finished", None, 6, 6)
    original, compressed = done.outcome["original"], done.outcome["compressed"]
    network = load_scenario("lander/mlp").network
    *_, last = returns(policy_of(network), GAMES["lander"], judging_seeds("validation", 3))
    assert original["value"] == pytest.approx(last.result.mean.value)
    assert (original["n"], compressed["n"]) == (3, 3)
    assert compressed["value"] < 0 < original["value"]


def test_what_was_played_before_a_cancel_counts(store: Store) -> None:
    run = store.create("lander/mlp", 0, RUINED, "returns")
    store.claim(run.id, this_process())
    looks = count(1)
    outcome, cancelled = measure_returns(store.get(run.id), store, lambda: next(looks) == 5)
    assert cancelled
    assert (outcome["original"]["n"], outcome["compressed"]["n"]) == (3, 2)


def test_what_is_no_game_is_refused(store: Store) -> None:
    run = store.create("digits/simple-nn", 0, Recipe(), "returns")
    work(run.id, store)
    failed = store.get(run.id)
    assert failed.state == "failed"
    assert failed.reason == "digits/simple-nn is no game, so it has no return; compare accuracies."
