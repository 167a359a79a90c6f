"""Stay on the road: gymnasium's CarRacing-v3, seen from above. Simulated; no real road."""

import numpy as np

from compress_core.games.driver import Driver
from compress_core.games.game import Array, Environment, Game
from compress_core.games.scenery import draw_what_is_seen

SIDE = 48
"""Pixels of a picture that a network is shown; the game's own has twice as many."""
SCORE = (slice(42, 48), slice(0, 6))
"""Where the game writes the score into the picture; a driver has no score before the eyes."""
TOO_FAR = 20.0
"""Metres from the middle of the road, three times its half width."""


def sample(observed: Array) -> Array:
    """Return the camera picture, 96 x 96 x 3, in grey and half as large: 1 x 48 x 48, uint8."""
    # Luma of ITU-R BT.601, in whole numbers, so that it is the same everywhere.
    grey = observed.astype(np.int64) @ np.array([299, 587, 114])
    small: Array = grey.reshape(SIDE, 2, SIDE, 2).sum((1, 3)) // 4000
    small[SCORE] = 0
    small = small.astype(np.uint8)
    return small[None]


def lost(environment: Environment) -> bool:
    """Return whether the car is so far off that finding back is another game."""
    car = environment.unwrapped.car.hull.position
    road = np.array(environment.unwrapped.track)[:, 2:4]
    return bool(np.hypot(*(road - np.array(car)).T).min() > TOO_FAR)


DRIVING = Game(
    environment="CarRacing-v3",
    options={"continuous": False},
    sample=sample,
    teacher=Driver,
    prepare=draw_what_is_seen,
    lost=lost,
    judged=20,
)
