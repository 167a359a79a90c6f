"""Networks play whole games, and what they reach is what was recorded."""

import json
from math import inf

import pytest

from compress_core.closed_loop import Returns, main, play, policy_of, return_path, returns
from compress_core.compress import compress
from compress_core.games.episode import judging_seeds
from compress_core.games.table import GAMES
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import Scenario, list_seeds, load_scenario

LANDER = GAMES["lander"]


@pytest.fixture(scope="module")
def lander() -> Scenario:
    return load_scenario("lander/mlp")


def test_the_interval_of_a_mean_is_students() -> None:
    # t of 2 degrees of freedom is 4.303; the deviation of 1, 2, 3 is 1.
    mean = Returns((1.0, 2.0, 3.0)).mean
    assert (mean.value, mean.n) == (2.0, 3)
    assert mean.high - 2 == pytest.approx(4.303 / 3**0.5, abs=1e-3) == 2 - mean.low
    assert (Returns((5.0,)).mean.low, Returns((5.0,)).mean.high) == (-inf, inf)


@pytest.mark.parametrize(
    ("name", "seed", "least"),
    [
        *(("lander/mlp", seed, 200) for seed in list_seeds("lander/mlp")),
        *(("driving/cnn", seed, 850) for seed in list_seeds("driving/cnn")),
    ],
)
def test_every_network_that_plays_plays_well(name: str, seed: int, least: float) -> None:
    record = json.loads(return_path(name, seed).read_text())
    again, judged = Returns(tuple(record["returns"])).mean, GAMES[name.split("/")[0]].judged
    assert again.value == pytest.approx(record["return"]["value"]) and again.n == judged
    assert record["return"]["low"] >= least and record["first_seed"] == judging_seeds("test", 1)[0]


def test_recorded_returns_are_reached_again_also_by_a_network_that_nothing_was_done_to(
    lander: Scenario,
) -> None:
    seeds = judging_seeds("test", 2)
    same = compress(lander.network, Recipe())
    record = json.loads(return_path("lander/mlp", 0).read_text())["returns"][:2]
    for model in (lander.network, same):
        events = list(returns(policy_of(model), LANDER, seeds))
        assert [(event.step, event.steps) for event in events] == [(1, 2), (2, 2)]
        assert events[-1].result.values == pytest.approx(record)


def test_a_network_without_its_weights_crashes(lander: Scenario) -> None:
    ruined = compress(lander.network, Recipe(steps=(Prune(sparsity=0.98),)))
    *_, last = returns(policy_of(ruined), LANDER, judging_seeds("validation", 3))
    assert max(last.result.values) < 0


def test_a_film_shows_where_two_networks_part(lander: Scenario) -> None:
    rounded = compress(lander.network, Recipe(steps=(Quantize(weight_bits=3),)))
    film = play([policy_of(lander.network), policy_of(rounded)], LANDER, seed=150_001)
    step = film.part_step
    assert step is not None and 0 < step < min(map(len, film.actions))
    assert film.actions[0][:step] == film.actions[1][:step]
    assert film.actions[0][step] != film.actions[1][step]
    for frames, actions in zip(film.frames, film.actions, strict=True):
        assert frames.shape == (-(-len(actions) // film.every), 200, 300, 3)
        assert frames.dtype == "uint8" and len({frame.tobytes() for frame in frames}) > 20
    before = step // film.every
    assert (film.frames[0][:before] == film.frames[1][:before]).all()


def test_equal_networks_never_part(lander: Scenario) -> None:
    same = compress(lander.network, Recipe())
    film = play([policy_of(lander.network), policy_of(same)], LANDER, seed=150_000, every=500)
    assert film.part_step is None and film.returns[0] == film.returns[1]


def test_the_command_compresses_plays_and_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "closed_loop lander/mlp --bits 8 --activation-bits 8 --part validation --games 2"
    monkeypatch.setattr("sys.argv", asked.split())
    main()
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("1 of 2: ") and second.startswith("2 of 2: ")
    mean = (float(first.split()[-1]) + float(second.split()[-1])) / 2
    assert last.startswith(f"mean return {mean:.1f}, 95 % interval ")
