"""Layer times as a run: measured by a worker once for a machine, found again by every page."""

import time
from collections.abc import Callable
from typing import Any

from compress_core.layer_times import measure_layers, save_times
from compress_core.runs import Run, Store

SECONDS = 15.0
"""For which layers are called; opening them takes a few seconds more."""
BETWEEN_WRITES = 0.5
"""Seconds."""


def measure_times(run: Run, store: Store, stop: Callable[[], bool]) -> tuple[dict[str, Any], bool]:
    """Measure this machine's layers and keep them beside the store; half a measurement is none."""
    begun, written = time.monotonic(), 0.0
    for event in measure_layers(SECONDS):
        now = time.monotonic()
        if now - written > BETWEEN_WRITES:
            if stop():
                return {}, True
            left = (now - begun) / event.step * (event.steps - event.step)
            store.progress(run.id, event.step, event.steps, left)
            written = now
        if event.result is not None:
            save_times(event.result, store.home)
            store.progress(run.id, event.step, event.steps, 0.0)
            return {"machine": event.result.machine, "layers": len(event.result.timings)}, False
    raise RuntimeError("The measurement of layers ended without a result.")
