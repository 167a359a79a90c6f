"""One game from its beginning to its end, whoever plays it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from compress_core.data import PartName
from compress_core.games.game import Array, Environment, Game, Teacher

Policy = Callable[[Array], int]
"""What a network is shown, as it is stored -> the action it takes."""

SEEDS: dict[PartName, range] = {
    "train": range(0, 100_000),
    "validation": range(100_000, 200_000),
    "test": range(200_000, 300_000),
}
"""Of the games that each part was recorded in, so that no game is in two of them."""
JUDGED_FROM = 50_000
"""Recorded are the first seeds of a part; games that only judge begin this much later."""


def judging_seeds(part: PartName, count: int) -> range:
    """Return the seeds of *count* games of a part in which nothing was recorded."""
    first = SEEDS[part].start + JUDGED_FROM
    return range(first, first + count)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Moment:
    """One step of a game."""

    sample: Array
    """What the network was shown."""
    action: int
    """What it did."""
    reward: float
    """What that brought."""


def episode(
    game: Game, environment: Environment, seed: int, choose: Callable[[Array, Array], int]
) -> Iterator[Moment]:
    """
    Play game number *seed* and yield every step; *choose* gets what is observed and the sample.

    The environment is reset here, so that whoever teaches can be asked after the first `next`.
    """
    observed, _ = environment.reset(seed=seed)
    over = False
    while not over:
        sample = game.sample(observed)
        action = choose(observed, sample)
        observed, reward, ended, late, _ = environment.step(action)
        over = ended or late
        yield Moment(sample=sample, action=action, reward=float(reward))


def lesson(game: Game, seed: int, act: Policy | None = None) -> Iterator[Moment]:
    """
    Yield every step of game number *seed*, with what the teacher would have done there.

    *act* plays; without it the teacher does. Ends early where nothing is left to be learned.
    """
    environment = game.open()
    teacher: Teacher | None = None
    right = 0

    def choose(observed: Array, sample: Array) -> int:
        nonlocal teacher, right
        teacher = teacher or game.teacher(environment)
        right = teacher(observed)
        return right if act is None else act(sample)

    for moment in episode(game, environment, seed, choose):
        yield replace(moment, action=right)
        if game.lost(environment):
            break
    environment.close()
