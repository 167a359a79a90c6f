"""Sensitivity maps as runs: measured by a worker, kept in the store, found again by anybody."""

import time
from collections.abc import Callable
from typing import Any

from compress_core.runs import Run, Store
from compress_core.scenarios import load_scenario
from compress_core.sensitivity import measure_sensitivity
from compress_core.sensitivity_map import SensitivityMap

BETWEEN_WRITES = 2.0
"""Seconds."""


def measure_map(run: Run, store: Store, stop: Callable[[], bool]) -> tuple[dict[str, Any], bool]:
    """
    Measure the map of a run's network, going on with what an earlier run left.

    Returns the outcome and whether it was cut short; the map is the checkpoint of the run.
    """
    scenario = load_scenario(run.scenario, run.seed)
    so_far = newest_map(store, run.scenario, run.seed)
    begun, written = time.monotonic(), 0.0
    first = len(so_far.cells) + len(so_far.combinations) if so_far else 0
    for event in measure_sensitivity(scenario.network, scenario.data, so_far=so_far):
        over = stop() or event.step == event.steps
        if over or time.monotonic() - written > BETWEEN_WRITES:
            written = time.monotonic()
            store.keep(run.id, event.result.to_json().encode())
            done = event.step - first
            left = (written - begun) / done * (event.steps - event.step) if done else None
            store.progress(run.id, event.step, event.steps, left)
        if over:
            break
    return {"n": event.result.n}, event.step < event.steps


def newest_map(store: Store, scenario: str, seed: int) -> SensitivityMap | None:
    """Return the newest map of a network in the store, perhaps begun only; None without any."""
    for run in store.list(task="sensitivity"):
        if (run.scenario, run.seed) == (scenario, seed) and run.checkpoint:
            return SensitivityMap.from_json(store.artifacts.get(run.checkpoint).decode())
    return None
