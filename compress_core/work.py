"""
What a worker process does with one run: an ordinary function that reads and writes the store.

The outcome of a run is plain JSON, each number under the part it was measured on:

    {"original":   {"validation": Worth, "test": Worth},
     "compressed": {"validation": Worth},                  before any fine-tuning
     "final":      {"validation": Worth, "test": Worth},
     "training":   None or how the fine-tuning went (the Finished event without its result)}

The test part is looked at once, at the end, for the final state alone.
"""

import time
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from threading import Event as Flag
from threading import Thread
from typing import Any

from sqlalchemy.exc import OperationalError

from compress_core.checkpoint import to_bytes
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.events import Finished, Improved, Started, StepEnd
from compress_core.filming import record_film
from compress_core.finetune import finetune
from compress_core.iterate import Happening, run_recipe
from compress_core.mapping import measure_map
from compress_core.owner import this_process
from compress_core.playing import measure_returns
from compress_core.runs import Run, Store
from compress_core.scenarios import load_scenario
from compress_core.schema import StoredEvent, plain
from compress_core.timing import measure_times
from compress_core.worth import worth

POLL = 0.25
"""Seconds between two looks at the cancel flag, and between two writes of steps."""
POLLS_PER_BEAT = 4


def work(run_id: str, store: Store) -> None:
    """
    Carry out a queued run and write everything that happens into the store.

    Safe to call again: a run that somebody works on is left to them, and failed if they are dead
    (Dask repeats the tasks of a worker that was killed). Never raises for what a recipe does.
    """
    owner = this_process()
    try:
        if store.claim(run_id, owner):
            _carry_out(run_id, owner, store)
        else:
            store.list("running", task=None)  # to look fails those whose owner is dead
    finally:
        store.close()


def _carry_out(run_id: str, owner: str, store: Store) -> None:
    try:
        with _Watch(store, run_id, owner) as watch:
            run = store.get(run_id)
            outcome, cancelled = TASKS[run.task](run, store, watch.stop.is_set)
        store.finish(run_id, outcome, cancelled=cancelled)
    except Exception as error:  # whatever it is, the person who waits must be told
        store.fail(run_id, _reason(error), traceback.format_exc())


def _result(run: Run, store: Store, stop: Callable[[], bool]) -> tuple[dict[str, Any], bool]:
    """Return the outcome of a run and whether it was cut short."""
    scenario = load_scenario(run.scenario, run.seed)
    network, data = scenario.network, scenario.data
    compressed = compress(network, run.recipe, data)
    store.keep(run.id, to_bytes(compressed))
    before = worth(compressed, data.validation).to_dict()
    final, after, training = compressed, before, None
    if run.recipe.finetune is not None:
        cycled = run.recipe.finetune.cycles > 1
        events = (
            run_recipe(network, run.recipe, data, stop=stop)
            if cycled
            else finetune(compressed, run.recipe.finetune, data, stop=stop)
        )
        finished = _written_down(events, _Journal(store, run.id))
        final, training = finished.result, plain(finished)
        store.keep(run.id, to_bytes(final))
        after = worth(final, data.validation).to_dict()
    outcome = {
        "original": {p.name: worth(network, p).to_dict() for p in (data.validation, data.test)},
        "compressed": {"validation": before},
        "final": {"validation": after, "test": worth(final, data.test).to_dict()},
        "training": training,
    }
    return outcome, bool(training and training["cancelled"])


TASKS = {
    "recipe": _result,
    "sensitivity": measure_map,
    "times": measure_times,
    "returns": measure_returns,
    "film": record_film,
}
"""What is done for each task of a run: (run, store, stop) -> outcome and whether cut short."""


def _written_down(events: Iterator[Happening], journal: "_Journal") -> Finished[Compressed]:
    """Let the fine-tuning run, write down what happens and return the last event."""
    try:
        for event in events:
            journal.add(event)
            if isinstance(event, Improved):
                journal.store.keep(journal.run_id, to_bytes(event.result))
            if isinstance(event, Finished):
                return event
    finally:
        journal.write()
    raise RuntimeError("The fine-tuning ended without a result.")


class _Journal:
    """Writes events into the store: steps several at a time, everything else at once."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store, self.run_id = store, run_id
        self._waiting: list[StoredEvent] = []
        self._written = 0.0
        self._steps = self._step = 0
        self._first_step = 0.0

    def add(self, event: StoredEvent) -> None:
        self._waiting.append(event)
        if isinstance(event, Started):
            self._steps = event.steps
        if isinstance(event, StepEnd):
            self._step = event.step
            self._first_step = self._first_step or time.monotonic() - event.seconds
        if not isinstance(event, StepEnd) or time.monotonic() - self._written > POLL:
            self.write()

    def write(self) -> None:
        """Write what is waiting, and how far the work has come."""
        self.store.append(self.run_id, self._waiting)
        self._waiting = []
        self.store.progress(self.run_id, self._step, self._steps, self._seconds_left())
        self._written = time.monotonic()

    def _seconds_left(self) -> float | None:
        """Scale up the time since the first step, which holds the validations too."""
        if self._step == 0:
            return None
        spent = time.monotonic() - self._first_step
        return spent / self._step * (self._steps - self._step)


class _Watch:
    """
    A thread that gives signs of life and raises *stop* when the run is cancelled or taken away.

    A thread, because an evaluation can take longer than anybody waits for a sign of life.
    """

    def __init__(self, store: Store, run_id: str, owner: str) -> None:
        self.store, self.run_id, self.owner = store, run_id, owner
        self.stop, self._over = Flag(), Flag()
        self._thread = Thread(target=self._look, name=f"watch-{run_id}", daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        for poll in count():
            try:
                mine = poll % POLLS_PER_BEAT or self.store.beat(self.run_id, self.owner)
                if not mine or self.store.cancel_requested(self.run_id):
                    self.stop.set()
            except OperationalError:
                pass  # a database that is away for a moment is no reason to lose the work
            if self._over.wait(POLL):
                return


def _reason(error: Exception) -> str:
    """Return one sentence: ours as they are, others with their type."""
    text = next(iter(str(error).splitlines()), "").strip()
    if isinstance(error, ValueError) and text.endswith("."):
        return text
    return f"It stopped with an error ({type(error).__name__}{': ' if text else ''}{text})."
