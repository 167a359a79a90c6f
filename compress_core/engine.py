"""
Where runs are carried out: by workers of a Dask scheduler, never in this process.

By default a private cluster on this machine (see `cluster`); FITTING_ROOM_SCHEDULER names another
scheduler, whose workers must reach the same database and folder. The store is the only truth
about a run; Dask merely brings it to a worker.
"""

# mypy: untyped-calls-exclude=distributed
# (its constructors have no annotations)

import logging
import os
import shutil
import sys
import time
from importlib import import_module
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from tempfile import mkdtemp
from threading import Event, Thread

import psutil  # type: ignore[import-untyped]
from distributed import Client, Future, fire_and_forget

from compress_core.recipe import Recipe
from compress_core.runs import Run, Store, Task

ROOT = Path(__file__).resolve().parent.parent
LOOK = 1.0
"""Seconds between two looks at the store for queued and lost runs."""
RETRY = 10.0
"""Seconds until the next attempt to reach a scheduler."""


class Engine:
    """
    Brings the queued runs of a store to a worker, oldest first, and takes note of lost ones.

    A thread of its own does everything, so making an engine and starting a run cost no time, and
    what an earlier life of the app left queued is taken up. Close it, or leave it to the end of
    this process: nothing that it started outlives it.
    """

    def __init__(self, store: Store, scheduler: str | None = None) -> None:
        self.store = store
        self.scheduler = scheduler or os.environ.get("FITTING_ROOM_SCHEDULER") or None
        self.problem: str | None = None
        """Why no run can be begun at the moment, in one sentence; it keeps trying."""
        self._closing, self._wake = Event(), Event()
        self._process: Popen[str] | None = None
        self._scratch = ""
        self._client: Client | None = None
        self._sent: dict[str, Future[None]] = {}
        self._thread = Thread(target=self._serve, name="engine", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"Engine({self.store}, {self.scheduler or 'own cluster'})"

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, scenario: str, seed: int, recipe: Recipe, task: Task = "recipe") -> Run:
        """Write down a new run; a worker begins it as soon as it is free."""
        run = self.store.create(scenario, seed, recipe, task)
        self._wake.set()
        return run

    def close(self) -> None:
        """End everything that this engine started; a run at work is lost, its checkpoint stays."""
        self._closing.set()
        self._wake.set()
        self._thread.join(30)
        if self._thread.is_alive() and self._process is not None:
            _kill(self._process)  # a cluster that hangs while it starts
            self._thread.join()

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                pause = self._look()
                self._wake.wait(pause)
                self._wake.clear()
        finally:
            self._disconnect()

    def _look(self) -> float:
        """Do what is to be done now; return the seconds until the next look."""
        try:
            client = self._connected()
            self._settle()
            for run in reversed(self.store.list("queued", "running", task=None)):
                if run.state == "queued" and run.id not in self._sent:
                    self._sent[run.id] = _send(client, run.id, self.store)
        except Exception as error:  # whatever it is, the next look may succeed
            place = f"The scheduler {self.scheduler}" if self.scheduler else "The app's worker"
            self.problem = f"{place} cannot be reached: {error}"
            return RETRY
        self.problem = None
        return LOOK

    def _settle(self) -> None:
        """Forget what is through, and tell of runs that could not even be begun."""
        for run_id, future in list(self._sent.items()):
            if future.status == "error":
                error = type(future.exception()).__name__
                self.store.fail(run_id, f"No worker could begin this run ({error}).")
            if future.status != "pending":
                del self._sent[run_id]

    def _connected(self) -> Client:
        """Return the client, connecting first where there is none or its cluster died."""
        if self._client is not None and self._is_up(self._client):
            return self._client
        self._disconnect()
        _quiet()
        address = self.scheduler or self._start_cluster()
        self._client = Client(address, timeout=10, set_as_default=False)
        # The worker imports torch now, so that the first run need not wait for it.
        fire_and_forget(self._client.submit(import_module, "compress_core.work", pure=False))
        return self._client

    def _is_up(self, client: Client) -> bool:
        alive = self._process is None or self._process.poll() is None
        return alive and client.status in ("running", "connecting")

    def _start_cluster(self) -> str:
        """Start the private cluster and return its address."""
        self._scratch = mkdtemp(prefix="fitting-room-")
        path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
        self._process = Popen(
            [sys.executable, "-m", "compress_core.cluster", self._scratch],
            stdin=PIPE,
            stdout=PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl+C is for the app; its end ends the cluster
        )
        assert self._process.stdout is not None
        address = self._process.stdout.readline().strip()
        if not address:
            raise OSError("it ended at once; the terminal shows why.")
        return address

    def _disconnect(self) -> None:
        client, process = self._client, self._process
        self._sent.clear()
        if client is not None:
            client.close()
        if process is not None:
            _end(process)
            _remove(self._scratch)
        self._client = self._process = None


def _send(client: Client, run_id: str, store: Store) -> Future[None]:
    # The key makes a run that is sent twice one task; to send it to two clusters does no harm.
    future: Future[None] = client.submit(_work, run_id, store, key=f"run-{run_id}")
    fire_and_forget(future)
    return future


def _work(run_id: str, store: Store) -> None:
    # Imported where the work is done: this process starts quicker without torch.
    from compress_core.work import work

    work(run_id, store)


def _end(process: Popen[str]) -> None:
    """Close the cluster's standard input, which ends it, and make sure of it."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    try:
        process.wait(15)
    except TimeoutExpired:
        _kill(process)
    process.stdout.close()


def _remove(folder: str) -> None:
    """Remove what a killed cluster left; its worker may need a moment to notice and end."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.1)


def _kill(process: Popen[str]) -> None:
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    process.kill()
    process.wait()


def _quiet() -> None:
    """Keep Dask's remarks out of the terminal: a killed worker is told by the run itself."""
    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(logging.ERROR)
