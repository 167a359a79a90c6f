"""A film as a run: original and compressed network play in a worker, and anybody watches."""

from collections.abc import Callable
from typing import Any

from compress_core.closed_loop import play, policy_of
from compress_core.compress import compress
from compress_core.film import moving, pack
from compress_core.games.episode import judging_seeds
from compress_core.games.table import GAMES
from compress_core.runs import Run, Store
from compress_core.scenarios import load_scenario


def record_film(run: Run, store: Store, stop: Callable[[], bool]) -> tuple[dict[str, Any], bool]:
    """
    Let both play the first validation game, before any fine-tuning; the film is the checkpoint.

    The outcome is {"part_step": int or None, "part": their actions there, "steps", "every",
    "returns"}, the last three as in `Film`. Raises ValueError for a scenario that is no game.
    """
    name = run.scenario.split("/")[0]
    if name not in GAMES:
        raise ValueError(f"{run.scenario} is no game, so nobody can watch it play.")
    scenario = load_scenario(run.scenario, run.seed)
    compressed = compress(scenario.network, run.recipe, scenario.data)
    seed = judging_seeds("validation", 1)[0]
    film = play([policy_of(scenario.network), policy_of(compressed)], GAMES[name], seed)
    length, at = max(map(len, film.frames)), film.part_step
    mark = None if at is None else at // film.every
    store.keep(run.id, pack([moving(frames, length, mark) for frames in film.frames]))
    outcome = {
        "part_step": at,
        "part": [] if at is None else [actions[at] for actions in film.actions],
        "steps": len(film.actions[0]),
        "every": film.every,
        "returns": list(film.returns),
    }
    return outcome, stop()
