"""Land softly between two flags: gymnasium's LunarLander-v3."""

from functools import partial

import numpy as np

from compress_core.games.game import Array, Environment, Game, Teacher


def sample(observed: Array) -> Array:
    """Return position, speed, angle, turn and the two feet as they are: 8 numbers, float32."""
    return observed.astype(np.float32)


def teacher(environment: Environment) -> Teacher:
    """Return the rule of thumb that gymnasium ships with this game."""
    from gymnasium.envs.box2d.lunar_lander import heuristic

    return partial(heuristic, environment)


LANDER = Game(environment="LunarLander-v3", sample=sample, teacher=teacher, judged=100)
