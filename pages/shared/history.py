"""
The settings that were tried on one network, to go back and forth between.

Knows nothing of Streamlit: everything here is a pure function.
"""

from dataclasses import dataclass, replace
from random import Random

from pages.shared.choice import Choice

LONGEST = 200
"""Settings that are remembered; of more, the oldest are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Where the controls stand, where they stood before, and what was taken back."""

    past: tuple[Choice, ...] = ()
    """The last one is the one to go back to."""
    present: Choice
    future: tuple[Choice, ...] = ()
    """The first one is the next to be done again."""


def record(history: History | None, choice: Choice) -> History:
    """Return the history after the controls were moved to *choice*; another network starts anew."""
    if history is None or _network(history.present) != _network(choice):
        return History(present=choice)
    if history.present == choice:
        return history
    return History(past=(*history.past, history.present)[-LONGEST:], present=choice)


def undo(history: History) -> History:
    """Go one setting back, if there is one."""
    if not history.past:
        return history
    *past, present = history.past
    future = (history.present, *history.future)
    return History(past=tuple(past), present=present, future=future)


def redo(history: History) -> History:
    """Do again what was taken back last, if anything was."""
    if not history.future:
        return history
    present, *future = history.future
    past = (*history.past, history.present)
    return History(past=past, present=present, future=tuple(future))


def reset(choice: Choice) -> Choice:
    """Return what the controls stood on at first, on the same network."""
    return Choice(scenario=choice.scenario, seed=choice.seed)


def surprise(choice: Choice, draw: Random) -> Choice:
    """Return another setting by chance, of those that leave a network most of what it knows."""
    while True:
        drawn = replace(
            reset(choice),
            share=draw.randrange(10, 75, 5),
            weight_bits=draw.randint(3, 8),
            activation_bits=draw.randint(6, 8),
            allocation=draw.choice(["uniform", "global", "lamp", "erk"]),
            grid=draw.choice(["linear", "linear", "codebook"]),
        )
        if drawn != choice:
            return drawn


def _network(choice: Choice) -> tuple[str, int]:
    return choice.scenario, choice.seed
