"""What a game is to a network that plays it: pictures or numbers in, one of a few actions out."""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Teacher = Callable[[Array], int]
"""What is observed -> the action that is right in the eyes of whoever taught the network."""
NEEDED = ("gymnasium", "Box2D", "pygame")
REMEDY = "pip install -r requirements-games.txt"


class Environment(Protocol):
    """As much of gymnasium's environments as is used here."""

    @property
    def unwrapped(self) -> Any:
        """The simulation itself, without what limits its length."""

    def reset(self, *, seed: int) -> tuple[Array, dict[str, Any]]:
        """Begin; equal seeds give equal ground and equal luck."""

    def step(self, action: int) -> tuple[Array, Any, bool, bool, dict[str, Any]]:
        """Return what is observed next, the reward, and whether it is over (two reasons)."""

    def render(self) -> Any:
        """Return a picture for people, height x width x 3, uint8."""

    def close(self) -> None:
        """Free what the simulation holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One environment of gymnasium, and who teaches it."""

    environment: str
    """Its name in gymnasium."""
    options: Mapping[str, Any] = field(default_factory=dict)
    sample: Callable[[Array], Array]
    """What is observed -> what a network is shown, as it is stored: before (x - mean) / std."""
    teacher: Callable[[Environment], Teacher]
    """Called once the game has begun; may look behind the curtain."""
    prepare: Callable[[Environment], None] = lambda environment: None
    """What is done to a new environment before it is played."""
    lost: Callable[[Environment], bool] = lambda environment: False
    """Whether there is nothing left to learn from this attempt."""
    judged: int
    """How many unseen games the mean return of a network is taken over."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that are not installed."""
        return tuple(name for name in NEEDED if find_spec(name) is None)

    def open(self, *, pictures: bool = False) -> Environment:
        """
        Return a new environment, with *pictures* for people if asked for; never opens a window.

        Raises ModuleNotFoundError, with the remedy, where the simulator is not installed.
        """
        if self.missing:
            raise ModuleNotFoundError(f"Playing needs {', '.join(self.missing)}: {REMEDY}")
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        with warnings.catch_warnings():
            # What Box2D and pygame do at their import is theirs to mend.
            warnings.simplefilter("ignore")
            import gymnasium

            environment: Environment = gymnasium.make(
                self.environment,
                render_mode="rgb_array" if pictures else None,
                disable_env_checker=True,
                **self.options,
            )
        self.prepare(environment)
        return environment
