"""
Missions: what to reach with which network, checked against what was measured and nothing else.

A mission is data; an attempt is what one run of the store measured, on validation data.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from compress_core.control import load_control, smallest_bytes
from compress_core.runs import Run

Measure = Literal["bytes", "drop", "work", "speedup", "control", "score"]
"""
Bytes of the packed file; accuracy lost, as a fraction; multiplications left, as a fraction; times
faster in ONNX Runtime; times smaller than a small network trained from scratch that is as accurate;
mean return of whole games.
"""
LESS_IS_BETTER: frozenset[Measure] = frozenset({"bytes", "drop", "work"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A number that has to be held: at most, where less is better, else at least."""

    measure: Measure
    bound: float

    def met(self, value: float) -> bool:
        """Tell whether a measured value holds the limit."""
        if self.measure in LESS_IS_BETTER:
            return value <= self.bound
        return value >= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """One task on one network."""

    name: str
    scenario: str
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What was measured of one setting, and when (seconds since 1970)."""

    numbers: Mapping[Measure, float]
    when: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a mission has come."""

    state: Literal["open", "begun", "done"]
    best: Attempt | None
    """The attempt that came nearest, or the first that held every limit."""


MISSIONS: tuple[Mission, ...] = (
    Mission(
        name="pocket",
        scenario="fashion-mnist/lenet-5",
        limits=(Limit(measure="bytes", bound=10_000), Limit(measure="drop", bound=0.01)),
    ),
    Mission(
        name="swift",
        scenario="fashion-mnist/vgg-small",
        limits=(Limit(measure="speedup", bound=3.0), Limit(measure="drop", bound=0.02)),
    ),
    Mission(
        name="slim",
        scenario="fashion-mnist/resnet-20",
        limits=(Limit(measure="work", bound=0.3), Limit(measure="drop", bound=0.02)),
    ),
    Mission(
        name="scratch",
        scenario="fashion-mnist/lenet-300-100",
        limits=(Limit(measure="control", bound=2.0),),
    ),
    Mission(
        name="words",
        scenario="reviews/conv",
        limits=(Limit(measure="bytes", bound=49_000), Limit(measure="drop", bound=0.0)),
    ),
    Mission(
        name="moon",
        scenario="lander/mlp",
        limits=(Limit(measure="bytes", bound=4_000), Limit(measure="score", bound=200.0)),
    ),
)
"""In the order in which they are shown."""


def check(mission: Mission, attempts: Iterable[Attempt]) -> Progress:
    """Return how far *attempts* bring a mission: the first that holds every limit ends it."""
    best: Attempt | None = None
    for attempt in sorted(attempts, key=lambda each: each.when):
        if best is None or standing(mission, attempt) > standing(mission, best):
            best = attempt
        if done(mission, attempt.numbers):
            return Progress(state="done", best=attempt)
    return Progress(state="begun" if best else "open", best=best)


def done(mission: Mission, numbers: Mapping[Measure, float]) -> bool:
    """Tell whether measured numbers hold every limit."""
    found = [(limit, numbers.get(limit.measure)) for limit in mission.limits]
    return all(value is not None and limit.met(value) for limit, value in found)


def further(mission: Mission, before: Progress, numbers: Mapping[Measure, float]) -> bool:
    """Tell whether these numbers are nearer than all before; what is done stays as it is."""
    if before.state == "done":
        return False
    new = Attempt(numbers=numbers, when=0.0)
    return before.best is None or standing(mission, new) > standing(mission, before.best)


def held(mission: Mission, attempt: Attempt) -> list[tuple[Limit, float | None]]:
    """Return each limit with what was measured; None where that was not."""
    return [(limit, attempt.numbers.get(limit.measure)) for limit in mission.limits]


def standing(mission: Mission, attempt: Attempt) -> tuple[int, float]:
    """Return how near an attempt came, to be compared: limits held, then what is missing."""
    found = held(mission, attempt)
    met = sum(value is not None and limit.met(value) for limit, value in found)
    return met, -sum(_missing(limit, value) for limit, value in found)


def attempt_of(run: Run) -> Attempt | None:
    """Return what a run measured that missions ask for; None where that is nothing."""
    if run.outcome is None or run.ended is None or run.task not in _READERS:
        return None
    numbers = _READERS[run.task](run)
    return Attempt(numbers=numbers, when=run.ended) if numbers else None


def attempts_at(mission: Mission, runs: Iterable[Run]) -> list[Attempt]:
    """Return what was measured of a mission's network, whichever trained copy of it."""
    found = (attempt_of(run) for run in runs if run.scenario == mission.scenario)
    return [attempt for attempt in found if attempt is not None]


def _missing(limit: Limit, value: float | None) -> float:
    """Return what is missing, from 0 for a limit that is held to 1."""
    if value is None:
        return 1.0
    if limit.met(value):
        return 0.0
    scale = max(abs(limit.bound), abs(value))
    return min(1.0, abs(value - limit.bound) / scale)


def measured(scenario: str, outcome: Mapping[str, Any]) -> dict[Measure, float]:
    """Read the outcome of a recipe, fine-tuned or as it was tried on."""
    was, now = (outcome[which]["validation"] for which in ("original", "final"))
    accuracy = now["accuracy"]["value"]
    numbers: dict[Measure, float] = {
        "bytes": now["packed_bytes"],
        "drop": was["accuracy"]["value"] - accuracy,
        "work": now["macs"] / was["macs"],
    }
    scratch = smallest_bytes(load_control(scenario), accuracy)
    if scratch is not None:
        numbers["control"] = scratch / now["packed_bytes"]
    if "speedup" in outcome:
        numbers["speedup"] = outcome["speedup"]
    return numbers


def _played(run: Run) -> dict[Measure, float]:
    """Read the outcome of whole games; cut short, they count no more than the others would."""
    outcome: dict[str, Any] = run.outcome or {}
    if run.state != "finished" or "packed_bytes" not in outcome:
        return {}
    return {"bytes": outcome["packed_bytes"], "score": outcome["compressed"]["value"]}


def _compressed(run: Run) -> dict[Measure, float]:
    return measured(run.scenario, run.outcome or {})


_READERS: dict[str, Callable[[Run], dict[Measure, float]]] = {
    "recipe": _compressed,
    "fitting": _compressed,
    "returns": _played,
}
"""Task of a run -> what it measured."""
