"""Land softly between two flags: gymnasium's LunarLander-v3."""

from functools import partial

import numpy as np

from compress_core.games.game import Array, Environment, Game, Teacher

LOW = np.array([-1.0, -0.1, -1.0, -1.07, -0.6, -0.6, 0.0, 0.0], np.float32)
HIGH = np.array([1.0, 1.5, 1.0, 0.37, 0.6, 0.6, 1.0, 1.0], np.float32)
"""What a network is shown ends here: beyond, there is one thing to do, and how far does not matter.
A few far values would cost all others their precision where numbers are rounded to 8 bits."""


def sample(observed: Array) -> Array:
    """
    Return the state of the craft within `LOW` and `HIGH`: 8 numbers, float32.

    Place (sideways, height), speed (sideways, upwards), angle, turn, left foot, right foot.
    """
    shown: Array = observed.clip(LOW, HIGH)
    return shown


def teacher(environment: Environment) -> Teacher:
    """Return the rule of thumb that gymnasium ships with this game."""
    from gymnasium.envs.box2d.lunar_lander import heuristic

    return partial(heuristic, environment)


LANDER = Game(environment="LunarLander-v3", sample=sample, teacher=teacher, judged=100)
