"""The simulated road: what a network sees of it, and the scripted driver who teaches it."""

from dataclasses import replace

import numpy as np

from compress_core.games.driver import BRAKE, GAS, LEFT, RIGHT
from compress_core.games.driving import sample
from compress_core.games.episode import lesson
from compress_core.games.game import Array, Environment, Game
from compress_core.games.table import GAMES

DRIVING = GAMES["driving"]


def blindfold(environment: Environment) -> None:
    """Nothing is drawn: the scripted driver does not look at the picture."""
    environment.unwrapped._render = lambda mode: np.zeros((96, 96, 3), np.uint8)


def test_a_sample_is_the_picture_in_grey_without_the_score() -> None:
    picture = np.zeros((96, 96, 3), np.uint8)
    picture[..., 0] = 255
    picture[:2, :2] = [[[0, 0, 0], [255, 255, 255]], [[0, 255, 0], [0, 0, 255]]]
    grey = sample(picture)
    assert grey.shape == (1, 48, 48) and grey.dtype == np.uint8
    assert grey[0, 20, 20] == 76  # 0.299 of 255
    assert grey[0, 0, 0] == 108  # (0 + 1 + 0.587 + 0.114) / 4 of 255
    assert not grey[0, 42:, :6].any() and grey[0, 42:, 6:].all() and grey[0, :42].all()


def test_only_what_is_in_the_picture_is_drawn_and_the_picture_stays_the_same() -> None:
    def pictures(game: Game) -> list[Array]:
        environment = game.open()
        observed, _ = environment.reset(seed=5)
        drive = game.teacher(environment)
        seen = []
        for _ in range(60):
            observed, *_ = environment.step(drive(observed))
            seen.append(observed)
        return seen

    assert np.array_equal(
        pictures(DRIVING), pictures(replace(DRIVING, prepare=lambda environment: None))
    )


def test_the_scripted_driver_stays_on_the_road_and_uses_wheel_and_pedals() -> None:
    blind = replace(DRIVING, prepare=blindfold)
    rides = [list(lesson(blind, seed)) for seed in range(4)]
    assert sum(moment.reward for ride in rides for moment in ride) / 4 > 850
    assert {LEFT, RIGHT, GAS, BRAKE} <= {m.action for ride in rides for m in ride}


def test_who_leaves_the_road_for_good_teaches_no_longer() -> None:
    blind = replace(DRIVING, prepare=blindfold)
    ride = list(lesson(blind, 1, lambda picture: GAS))
    assert 20 < len(ride) < 500
