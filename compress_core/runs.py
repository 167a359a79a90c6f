"""
The store: every run, what it reported and what it left. Knows nothing of who carries runs out.

Times are seconds since 1970 (UTC).
"""

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

import platformdirs
import sqlalchemy as sa

from compress_core.artifacts import Artifacts
from compress_core.owner import is_lost
from compress_core.recipe import Recipe
from compress_core.schema import StoredEvent, connect, event_of, events, plain, runs

State = Literal["queued", "running", "finished", "cancelled", "failed"]
Task = Literal["recipe", "sensitivity", "times", "returns", "film", "fitting"]
"""
What is done: a recipe, a sensitivity map, layers timed on this machine, games played or filmed; or
what was measured in the fitting room, where nothing is left to do.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One recipe on one network: asked for, at work, or over."""

    id: str
    scenario: str
    seed: int
    """Of the network's own training."""
    recipe: Recipe
    task: Task
    state: State
    reason: str | None
    """Why it failed, in one sentence."""
    trace: str | None
    """The traceback of a failure, for the curious."""
    created: float
    started: float | None
    ended: float | None
    step: int
    steps: int
    """0 while it is not known how many there will be."""
    seconds_left: float | None
    heartbeat: float | None
    owner: str | None
    """The process that works on it."""
    cancel_requested: bool
    checkpoint: str | None
    """Hash of the artifact with the best state so far."""
    outcome: dict[str, Any] | None
    """What came out: see `compress_core.work`."""


class Store:
    """A database of runs and a folder of artifacts. May be used from many threads and processes."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home = home
        self.url = url or f"sqlite:///{(home / 'runs.sqlite3').resolve().as_posix()}"
        self.artifacts = Artifacts(home / "artifacts")
        self._database = connect(self.url)

    def __repr__(self) -> str:
        return f"Store({self.home}, {sa.make_url(self.url).render_as_string(hide_password=True)})"

    def __reduce__(self) -> tuple[type["Store"], tuple[Path, str]]:
        # To a worker goes where the store is, not its connections.
        return Store, (self.home.resolve(), self.url)

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._database.dispose()

    def create(self, scenario: str, seed: int, recipe: Recipe, task: Task = "recipe") -> Run:
        """Write down a new run; it is queued."""
        run_id = token_hex(8)
        row = {
            "id": run_id, "scenario": scenario, "seed": seed, "recipe": recipe.to_json(),
            "task": task, "state": "queued", "created": time.time(), "step": 0, "steps": 0,
            "cancel_requested": False,
        }  # fmt: skip
        self._write(runs.insert().values(row))
        return self.get(run_id)

    def note(self, scenario: str, seed: int, recipe: Recipe, outcome: dict[str, Any]) -> None:
        """Write down what was measured in the fitting room: a run that is over as it begins."""
        now = time.time()
        row = {
            "id": token_hex(8), "scenario": scenario, "seed": seed, "recipe": recipe.to_json(),
            "task": "fitting", "state": "finished", "created": now, "started": now, "ended": now,
            "step": 0, "steps": 0, "cancel_requested": False, "outcome": json.dumps(outcome),
        }  # fmt: skip
        self._write(runs.insert().values(row))

    def get(self, run_id: str) -> Run:
        """Return a run; raises KeyError when there is none. A lost run is failed first."""
        found = self._read(sa.select(runs).where(runs.c.id == run_id))
        if not found:
            raise KeyError(f"There is no run {run_id}.")
        return self._checked(_run(found[0]))

    def list(self, *states: State, task: Task | None = "recipe") -> list[Run]:
        """
        Return the runs in these states (or all), newest first; lost ones are failed first.

        Those that carry out a recipe, those of another *task*, or every run for None.
        """
        query = sa.select(runs).order_by(runs.c.created.desc(), runs.c.id)
        if task:
            query = query.where(runs.c.task == task)
        if states:
            query = query.where(runs.c.state.in_(states))
        found = [self._checked(_run(row)) for row in self._read(query)]
        return [run for run in found if not states or run.state in states]

    def delete(self, run_id: str) -> None:
        """Remove a run, its events and its checkpoint; raises ValueError while it is running."""
        run = self.get(run_id)
        over = runs.delete().where(runs.c.id == run_id, runs.c.state != "running")
        with self._database.begin() as connection:
            connection.execute(events.delete().where(events.c.run_id == run_id))
            if connection.execute(over).rowcount == 0:
                raise ValueError("This run is still at work; cancel it before deleting it.")
            self._drop(connection, run.checkpoint)

    def append(self, run_id: str, happened: Iterable[StoredEvent]) -> None:
        """Write events down, in their order; what an event carries as *result* is left out."""
        rows = [
            {"run_id": run_id, "kind": e.kind, "payload": json.dumps(plain(e))} for e in happened
        ]
        if rows:
            self._write(events.insert(), rows)

    def events(self, run_id: str, after: int = 0) -> Sequence[tuple[int, StoredEvent]]:
        """Return (sequence number, event) of all that came after a sequence number; no results."""
        query = sa.select(events).where(events.c.run_id == run_id, events.c.seq > after)
        return [(row.seq, event_of(row)) for row in self._read(query.order_by(events.c.seq))]

    def claim(self, run_id: str, owner: str) -> bool:
        """Take a queued run for one process: True for exactly one of all who ask."""
        now = time.time()
        return self._change(
            run_id, ("queued",), state="running", owner=owner, started=now, heartbeat=now
        )

    def beat(self, run_id: str, owner: str) -> bool:
        """Say that the owner still works; False when the run has been taken away from it."""
        return self._change(run_id, ("running",), runs.c.owner == owner, heartbeat=time.time())

    def progress(self, run_id: str, step: int, steps: int, seconds_left: float | None) -> None:
        """Write down how far a run has come."""
        self._change(run_id, ("running",), step=step, steps=steps, seconds_left=seconds_left)

    def request_cancel(self, run_id: str) -> None:
        """End a queued run now; ask a running one to stop at its next step and keep its best."""
        self._change(run_id, ("queued",), state="cancelled", ended=time.time())
        self._change(run_id, ("running",), cancel_requested=True)

    def cancel_requested(self, run_id: str) -> bool:
        """Tell whether somebody asked a run to stop (cheap)."""
        query = sa.select(runs.c.cancel_requested).where(runs.c.id == run_id)
        return any(row.cancel_requested for row in self._read(query))

    def keep(self, run_id: str, data: bytes) -> None:
        """Store *data* as the checkpoint of a running run; the one before is given up."""
        mine = (runs.c.id == run_id) & (runs.c.state == "running")
        with self._database.begin() as connection:
            # Written first: from here on nobody else gives up a file until this is through.
            if connection.execute(runs.update().where(mine).values(heartbeat=time.time())).rowcount:
                before = connection.scalar(sa.select(runs.c.checkpoint).where(mine))
                digest = self.artifacts.put(data)
                connection.execute(runs.update().where(mine).values(checkpoint=digest))
                if before != digest:
                    self._drop(connection, before)

    def finish(self, run_id: str, outcome: dict[str, Any], *, cancelled: bool) -> None:
        """Close a running run with what came out of it."""
        state = "cancelled" if cancelled else "finished"
        self._end(run_id, state=state, outcome=json.dumps(outcome))

    def fail(self, run_id: str, reason: str, trace: str | None = None) -> None:
        """Close a queued or running run with the reason, one sentence; its checkpoint stays."""
        self._end(run_id, state="failed", reason=reason, trace=trace)

    def _end(self, run_id: str, **values: Any) -> None:
        self._change(run_id, ("queued", "running"), ended=time.time(), seconds_left=None, **values)

    def _checked(self, run: Run) -> Run:
        """Fail a run that nobody works on any more."""
        if run.state != "running" or not is_lost(run.owner, time.time() - (run.heartbeat or 0)):
            return run
        rest = "its best state so far is kept" if run.checkpoint else "nothing was ready to keep"
        self.fail(run.id, f"The process that worked on this run ended unexpectedly; {rest}.")
        return self.get(run.id)

    def _drop(self, connection: sa.Connection, digest: str | None) -> None:
        """Remove a checkpoint that no run refers to any more."""
        query = sa.select(runs.c.id).where(runs.c.checkpoint == digest).limit(1)
        if digest is not None and connection.execute(query).first() is None:
            self.artifacts.remove(digest)

    def _change(
        self, run_id: str, states: Iterable[State], *conditions: Any, **values: Any
    ) -> bool:
        """Change a run if it is in one of these states; tell whether it was."""
        which = runs.update().where(runs.c.id == run_id, runs.c.state.in_(states), *conditions)
        return self._write(which.values(values)) == 1

    def _write(self, statement: Any, rows: Any = None) -> int:
        with self._database.begin() as connection:
            return connection.execute(statement, rows).rowcount

    def _read(self, query: sa.Select[Any]) -> Any:
        with self._database.connect() as connection:
            return connection.execute(query).all()


def open_store() -> Store:
    """
    Open the store of this user.

    It lies in the user's data folder, or in FITTING_ROOM_HOME; FITTING_ROOM_DATABASE_URL names
    another database than the SQLite file there (artifacts stay in the folder).
    """
    home = os.environ.get("FITTING_ROOM_HOME")
    folder = Path(home) if home else platformdirs.user_data_path("fitting-room", appauthor=False)
    return Store(folder, os.environ.get("FITTING_ROOM_DATABASE_URL") or None)


def _run(row: Any) -> Run:
    values = dict(row._mapping)
    values["recipe"] = Recipe.from_json(values["recipe"])
    values["outcome"] = json.loads(values["outcome"]) if values["outcome"] else None
    return Run(**values)
