"""
Record moments to learn from: `python -m compress_core.imitate lander/mlp`.

First the teacher plays. Then, for some rounds, a network that has learned from all moments so far
plays, and the teacher says at every step what it would have done there, so that the network
learns to get out of what it gets itself into: DAgger (Ross, Gordon, Bagnell, *A Reduction of
Imitation Learning and Structured Prediction to No-Regret Online Learning*, 2011). Writes
`assets/<game>/<game>.npz`, from which `compress_core.train` teaches the network that is shipped.
Needs the simulator: `pip install -r requirements-games.txt`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from compress_core.closed_loop import policy, returns
from compress_core.data import PartName
from compress_core.data_sets import driving, lander
from compress_core.data_sets.data_set import ASSETS
from compress_core.data_sets.recorded import Recording
from compress_core.events import Finished
from compress_core.fit import fit
from compress_core.games.episode import SEEDS, Policy, judging_seeds, lesson
from compress_core.games.game import Array
from compress_core.games.table import GAMES
from compress_core.train import TRAINING
from compress_core.zoo.build import build

SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How much is recorded in one round."""

    rounds: int
    games: dict[PartName, int]
    """Of each part."""
    every: int
    """One of so many steps is kept: neighbours are alike."""
    recording: Recording
    epochs: int
    """Of the network that plays in the next round."""
    judged: int
    """Validation games that tell how far it has come."""


SCHEDULES = {
    "lander/mlp": Schedule(
        recording=lander.MOMENTS,
        rounds=6,
        games={"train": 40, "validation": 8, "test": 8},
        every=2,
        epochs=20,
        judged=50,
    ),
    "driving/cnn": Schedule(
        recording=driving.MOMENTS,
        rounds=3,
        games={"train": 12, "validation": 2, "test": 3},
        every=3,
        epochs=8,
        judged=4,
    ),
}


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """What was recorded: samples, the teacher's actions, and the game that each belongs to."""

    x: Array
    y: Array
    seed: Array


def record(scenario: str, round_number: int, act: Policy | None) -> Iterator[Moments]:
    """Yield the moments of each game of one round; without a policy the teacher plays."""
    schedule, game = SCHEDULES[scenario], GAMES[scenario.split("/")[0]]
    for part, count in schedule.games.items():
        first = SEEDS[part].start + round_number * count
        for seed in range(first, first + count):
            kept = list(lesson(game, seed, act))[seed % schedule.every :: schedule.every]
            yield Moments(
                np.stack([moment.sample for moment in kept]),
                np.array([moment.action for moment in kept], np.uint8),
                np.full(len(kept), seed, np.int32),
            )


def joined(moments: list[Moments]) -> Moments:
    """Return all moments one after the other, in the order of their games."""
    moments = sorted(moments, key=lambda m: int(m.seed[0]))
    return Moments(*(np.concatenate([getattr(m, k) for m in moments]) for k in ("x", "y", "seed")))


def learned(scenario: str, known: Moments) -> tuple[Policy, float]:
    """Return what a network does that learned from all moments so far, and its accuracy."""
    schedule = SCHEDULES[scenario]
    x, y, seed = (torch.from_numpy(value) for value in (known.x, known.y, known.seed))
    data = schedule.recording.parts(x, y, seed)
    plan = replace(TRAINING[scenario][0], epochs=schedule.epochs, seed=SEED)
    module = build(scenario, SEED)
    accuracy = 0.0
    for event in fit(module, data, plan):
        if isinstance(event, Finished):
            module.load_state_dict(event.result)
            accuracy = event.validation_accuracy
    return policy(module.eval(), schedule.recording.mean, schedule.recording.std), accuracy


def main() -> None:
    """Record all rounds of one game; print a line for each and what its network reaches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=sorted(SCHEDULES))
    scenario = parser.parse_args().scenario
    schedule, name = SCHEDULES[scenario], scenario.split("/")[0]
    path = ASSETS / name / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    moments: list[Moments] = []
    act: Policy | None = None
    for number in range(schedule.rounds):
        moments += record(scenario, number, act)
        known = joined(moments)
        np.savez_compressed(path, x=known.x, y=known.y, seed=known.seed)
        act, accuracy = learned(scenario, known)
        *_, last = returns(act, GAMES[name], judging_seeds("validation", schedule.judged))
        print(
            f"round {number + 1}: {len(known.y):,} moments, validation accuracy {accuracy:.3f}, "
            f"mean return {last.result.mean.value:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
