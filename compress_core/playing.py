"""Whole games as a run: networks play in a worker, and anybody looks at what they reached."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from compress_core.closed_loop import policy_of, returns
from compress_core.compress import compress
from compress_core.games.episode import judging_seeds
from compress_core.games.table import GAMES
from compress_core.runs import Run, Store
from compress_core.scenarios import load_scenario
from compress_core.sizes import sizes


def measure_returns(
    run: Run, store: Store, stop: Callable[[], bool]
) -> tuple[dict[str, Any], bool]:
    """
    Let original and compressed network, before any fine-tuning, play the same validation games.

    Returns the outcome, the mean return of each as {"original": Measured, "compressed": Measured}
    with the bytes of the compressed one's file, and whether it was cut short; what was played by
    then counts. Raises ValueError for a scenario that is no game.
    """
    name = run.scenario.split("/")[0]
    if name not in GAMES:
        raise ValueError(f"{run.scenario} is no game, so it has no return; compare accuracies.")
    scenario = load_scenario(run.scenario, run.seed)
    compressed = compress(scenario.network, run.recipe, scenario.data)
    seeds = judging_seeds("validation", GAMES[name].judged)
    outcome: dict[str, Any] = {"packed_bytes": sizes(compressed).packed_bytes}
    begun, done = time.monotonic(), 0
    for which, model in (("original", scenario.network), ("compressed", compressed)):
        for event in returns(policy_of(model), GAMES[name], seeds):
            done += 1
            left = (time.monotonic() - begun) / done * (2 * event.steps - done)
            store.progress(run.id, done, 2 * event.steps, left)
            if event.step > 1:
                outcome[which] = asdict(event.result.mean)
            if stop():
                return outcome, True
    return outcome, False
