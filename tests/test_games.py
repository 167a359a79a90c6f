"""Games that networks play: what is recorded, who teaches, and what is shown."""

import subprocess
import sys
from functools import lru_cache
from itertools import islice

import numpy as np
import pytest
import torch

from compress_core.data_sets import lander
from compress_core.games import game as games
from compress_core.games.episode import JUDGED_FROM, SEEDS, judging_seeds, lesson
from compress_core.games.game import NEEDED, Array
from compress_core.games.table import GAMES
from compress_core.imitate import SCHEDULES
from compress_core.scenarios import load_data
from tests.browser import ROOT

LANDER = GAMES["lander"]


each = pytest.mark.parametrize("name", ["lander/mlp", "driving/cnn"])


@lru_cache
def recorded(name: str) -> dict[str, Array]:
    game = name.split("/")[0]
    return dict(np.load(ROOT / "assets" / game / f"{game}.npz"))


@each
def test_whole_games_belong_to_one_part_and_none_of_them_judges(name: str) -> None:
    data, moments = load_data(name), recorded(name)
    assert sum(map(len, (data.train, data.validation, data.test))) == len(moments["y"])
    for part in (data.train, data.validation, data.test):
        seeds = SEEDS[part.name]
        own = np.isin(moments["seed"], seeds)
        assert len(part) == own.sum() > 1000
        rows = {row.tobytes() for row in part.x.numpy()}
        assert rows == {row.tobytes() for row in moments["x"][own]}
        assert moments["seed"][own].max() < seeds.start + JUDGED_FROM
        assert set(judging_seeds(part.name, 100)) <= set(seeds)
    assert not set(SEEDS["train"]) & (set(SEEDS["test"]) | set(SEEDS["validation"]))
    assert not set(SEEDS["test"]) & set(SEEDS["validation"])


def test_every_number_fills_the_same_range() -> None:
    x = load_data("lander/mlp").train.inputs()
    assert x.dtype == torch.float32
    assert torch.allclose(x.amax(0), torch.full((8,), 4.0), atol=0.1) and x.amin() >= -4.0001


@each
def test_a_recorded_game_can_be_played_again(name: str) -> None:
    every, game = SCHEDULES[name].every, GAMES[name.split("/")[0]]
    own = recorded(name)["seed"] == 3
    again = list(islice(lesson(game, 3), 3 % every, 120, every))
    assert len(again) >= 40 and own.sum() >= len(again)
    assert np.array_equal([m.sample for m in again], recorded(name)["x"][own][: len(again)])
    assert [m.action for m in again] == recorded(name)["y"][own][: len(again)].tolist()


def test_the_teacher_lands() -> None:
    assert sum(moment.reward for moment in lesson(LANDER, 7)) > 200


def test_whoever_plays_the_teacher_says_what_is_right() -> None:
    idle = list(lesson(LANDER, 7, lambda sample: 0))
    assert sum(moment.reward for moment in idle) < 0
    assert len({moment.action for moment in idle}) > 1
    assert lander.MOMENTS.labels[2] == "Main engine"
    falling = [moment for moment in idle if moment.sample[3] < -1 and moment.sample[1] < 0.5]
    assert falling and all(moment.action == 2 for moment in falling)


def test_without_the_simulator_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(games, "find_spec", lambda name: None if name == "Box2D" else object())
    with pytest.raises(ModuleNotFoundError, match=r"needs Box2D: pip install -r"):
        LANDER.open()
    lines = (ROOT / "requirements-games.txt").read_text().splitlines()
    pins = {line.split("==")[0] for line in lines if not line.startswith("#")}
    assert pins == {name.lower() for name in NEEDED}


def test_nothing_but_playing_imports_the_simulator() -> None:
    code = (
        "import sys; from compress_core import closed_loop, imitate, scenarios as s; "
        "s.load_scenario('lander/mlp'); assert not {'gymnasium', 'pygame'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
