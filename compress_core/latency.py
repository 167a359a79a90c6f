"""How long one call takes, against another: both measured in one run, in turns."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median

Call = Callable[[], object]

WARM_UP = 3
"""Calls that are made and not counted: memory is allocated and code is chosen in them."""
FEWEST, MOST = 15, 400
"""Rounds that are counted, however slow or fast a call is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Median seconds of one call, before and after, of *rounds* calls each made in turns."""

    before: float
    after: float
    speedup: float
    """Median of before over after, round by round; below 1 it became slower."""
    rounds: int


def compare(before: Call, after: Call, seconds: float = 1.0) -> Latency:
    """
    Time both calls in turns for about *seconds*; who is first changes from round to round.

    In turns, because a machine that is busy or warm slows both down alike.
    """
    for _ in range(WARM_UP):
        before()
        after()
    rounds: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    for index in count():
        if index >= MOST or (index >= FEWEST and time.perf_counter() > end):
            break
        if index % 2:
            rounds.append((_seconds(before), _seconds(after)))
        else:
            later = _seconds(after)
            rounds.append((_seconds(before), later))
    return Latency(
        before=median(first for first, _ in rounds),
        after=median(second for _, second in rounds),
        speedup=median(first / second for first, second in rounds),
        rounds=len(rounds),
    )


def _seconds(call: Call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
