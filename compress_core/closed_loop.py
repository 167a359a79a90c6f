"""
What a network that plays is worth: it plays games that it has never seen, to their end.

How often it does what its teacher would do is quickly counted, but small slips add up or do not
matter; the return of whole games is the true measure. `python -m compress_core.closed_loop
lander/mlp --bits 4` measures the built-in network after rounding; without options, and with
`--record`, it writes `seed-<n>.return.json` beside the weights.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import inf, sqrt
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from torch import nn

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Part, Scale
from compress_core.data_sets.data_set import ASSETS
from compress_core.events import Progress
from compress_core.games.episode import Moment, Policy, episode, judging_seeds, lesson
from compress_core.games.game import Array, Game
from compress_core.games.table import GAMES
from compress_core.measured import Measured
from compress_core.network import Network
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.scenarios import load_scenario


@dataclass(frozen=True, slots=True)
class Returns:
    """The sum of all rewards of each game, in the order of the seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> Measured:
        """Their mean with its 95 % interval: mean ± t s / √n (Student, 1908)."""
        # Imported here: only who plays needs the quantile.
        from scipy.special import stdtrit

        n, mean = len(self.values), fmean(self.values)
        if n == 1:
            return Measured(mean, n, -inf, inf)
        half = float(stdtrit(n - 1, 0.975)) * stdev(self.values) / sqrt(n)
        return Measured(mean, n, mean - half, mean + half)


def policy(module: nn.Module, mean: Scale, std: Scale) -> Policy:
    """Return what *module* does when shown a sample as it is stored: the action it likes best."""
    nothing = torch.zeros(1, dtype=torch.int64)

    def act(sample: Array) -> int:
        x = torch.from_numpy(sample[None])
        part = Part(name="test", x=x, y=nothing, mean=mean, std=std)
        with torch.inference_mode():
            return int(module(part.inputs()).argmax(1))

    return act


def policy_of(model: Network | Compressed) -> Policy:
    """Return what a network does, compressed or not."""
    network = model.original if isinstance(model, Compressed) else model
    return policy(model.module, network.mean, network.std)


def returns(act: Policy, game: Game, seeds: Iterable[int]) -> Iterator[Progress[Returns]]:
    """
    Play the games of *seeds*, one after the other; every event holds what was reached by then.

    Raises ModuleNotFoundError, with the remedy, where the simulator is not installed.
    """
    seeds = tuple(seeds)
    environment = game.open()
    values: list[float] = []
    for seed in seeds:
        moments = episode(game, environment, seed, lambda observed, sample: act(sample))
        values.append(sum(moment.reward for moment in moments))
        yield Progress(step=len(values), steps=len(seeds), result=Returns(tuple(values)))
    environment.close()


def teacher_returns(game: Game, seeds: Iterable[int]) -> Returns:
    """Return what the teacher reaches in the same games."""
    return Returns(tuple(sum(m.reward for m in lesson(game, seed)) for seed in seeds))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Film:
    """One game as several networks play it, each on its own."""

    frames: tuple[Array, ...]
    """For each network: pictures x height x width x 3, uint8."""
    every: int
    """Steps from one picture to the next."""
    actions: tuple[tuple[int, ...], ...]
    """For each network: what it did at every step."""
    returns: tuple[float, ...]

    @property
    def part_step(self) -> int | None:
        """The first step at which they do not all do the same; None where they never part."""
        together = zip(*self.actions, strict=False)
        parted = (step for step, actions in enumerate(together) if len(set(actions)) > 1)
        return next(parted, None)


def play(policies: Iterable[Policy], game: Game, seed: int, every: int = 4) -> Film:
    """
    Return the film of game number *seed*, with a picture of half the size at every fourth step.

    Until the networks part they see the same: the simulation is the same to the last bit.
    """
    frames, moments = zip(*(_filmed(act, game, seed, every) for act in policies), strict=True)
    return Film(
        frames=frames,
        every=every,
        actions=tuple(tuple(moment.action for moment in of) for of in moments),
        returns=tuple(sum(moment.reward for moment in of) for of in moments),
    )


def _filmed(act: Policy, game: Game, seed: int, every: int) -> tuple[Array, list[Moment]]:
    environment = game.open(pictures=True)
    pictures: list[Array] = []
    moments: list[Moment] = []
    for moment in episode(game, environment, seed, lambda observed, sample: act(sample)):
        if len(moments) % every == 0:
            pictures.append(np.asarray(environment.render())[::2, ::2])
        moments.append(moment)
    environment.close()
    return np.stack(pictures), moments


def return_path(scenario: str, seed: int) -> Path:
    """Return where the returns of a built-in network are kept."""
    return ASSETS / scenario / f"seed-{seed}.return.json"


def main() -> None:
    """Let one built-in network play, compressed if asked for, and print what it reaches."""
    parser = argparse.ArgumentParser(description=__doc__)
    games = {name: game for name, game in GAMES.items() if (ASSETS / name).is_dir()}
    parser.add_argument("scenario", help=f"<game>/<network>; games are {', '.join(games)}")
    parser.add_argument("--seed", type=int, default=0, help="which trained copy")
    parser.add_argument("--bits", type=int, help="of the weights")
    parser.add_argument("--activation-bits", type=int)
    parser.add_argument("--sparsity", type=float, default=0.0)
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--games", type=int, help="how many; as many as the record if not given")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    scenario, game = (
        load_scenario(arguments.scenario, arguments.seed),
        games[arguments.scenario.split("/")[0]],
    )
    recipe = _recipe(arguments.sparsity, arguments.bits, arguments.activation_bits)
    of = compress(scenario.network, recipe, scenario.data)
    seeds = judging_seeds(arguments.part, arguments.games or game.judged)
    for event in returns(policy_of(of), game, seeds):
        print(f"{event.step} of {event.steps}: {event.result.values[-1]:.1f}", flush=True)
    mean = event.result.mean
    print(f"mean return {mean.value:.1f}, 95 % interval {mean.low:.1f} to {mean.high:.1f}")
    if arguments.record and recipe == Recipe() and arguments.part == "test":
        record = {
            "command": f"python -m compress_core.closed_loop {arguments.scenario} --record",
            "first_seed": seeds.start,
            "return": asdict(mean),
            "teacher": asdict(teacher_returns(game, seeds).mean),
            "returns": event.result.values,
        }
        path = return_path(arguments.scenario, arguments.seed)
        path.write_text(json.dumps(record, indent=1) + "\n")


def _recipe(sparsity: float, bits: int | None, activation_bits: int | None) -> Recipe:
    steps: tuple[Step, ...] = (Prune(sparsity=sparsity),) if sparsity else ()
    if bits or activation_bits:
        steps = (*steps, Quantize(weight_bits=bits, activation_bits=activation_bits))
    return Recipe(steps=steps)


if __name__ == "__main__":
    main()
