import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from time import monotonic, sleep

import psutil  # type: ignore[import-untyped]
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from compress_core.checkpoint import from_bytes
from compress_core.engine import ROOT, Engine
from compress_core.evaluate import evaluate
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.runs import Run, Store
from compress_core.scenarios import load_scenario

STEPS = (Prune(sparsity=0.9), Quantize(weight_bits=4))
BRIEF = Recipe(steps=STEPS, finetune=Finetune(epochs=1, samples=256))
ENDLESS = Recipe(steps=STEPS, finetune=Finetune(epochs=1000, batch_size=8))
NAME = "digits/simple-nn"
PATIENCE = 180
"""Seconds; a busy machine is no failure."""


def process_id(owner: str) -> int:
    """Return the process number in the name that `this_process` gave."""
    return int(owner.rsplit("/", 2)[1])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all tests that leave it working."""
    store = Store(tmp_path_factory.mktemp("engine"))
    with Engine(store) as engine:
        yield engine
    store.close()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler that was there before any engine."""
    scratch = tmp_path_factory.mktemp("scheduler")
    command = [sys.executable, "-m", "compress_core.cluster", str(scratch)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as cluster:
        assert cluster.stdin is not None and cluster.stdout is not None
        yield cluster.stdout.readline().strip()
        assert cluster.poll() is None
        cluster.stdin.close()
        assert cluster.wait(PATIENCE) == 0


def until(true: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE
    while not true():
        assert monotonic() < deadline, "It did not happen in time."
        sleep(0.1)


def ended(store: Store, run: Run) -> Run:
    until(lambda: store.get(run.id).state not in ("queued", "running"))
    return store.get(run.id)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_a_run_is_carried_out_in_another_process(engine: Engine) -> None:
    run = ended(engine.store, engine.start(NAME, 0, BRIEF))

    assert run.state == "finished" and run.outcome is not None
    assert run.owner and process_id(run.owner) != os.getpid()
    assert engine.problem is None


def test_the_queue_goes_on_when_the_run_before_is_cancelled(engine: Engine) -> None:
    first, second, third = (engine.start(NAME, 0, r) for r in (ENDLESS, BRIEF, BRIEF))
    until(lambda: engine.store.get(first.id).step > 0)

    assert engine.store.get(second.id).state == "queued"

    engine.store.request_cancel(third.id)
    engine.store.request_cancel(first.id)

    assert ended(engine.store, first).state == "cancelled"
    assert ended(engine.store, second).state == "finished"
    assert engine.store.get(third.id).state == "cancelled"


def test_a_killed_worker_fails_its_run_keeps_the_best_and_the_next_run_works(
    engine: Engine,
) -> None:
    doomed, following = engine.start(NAME, 0, ENDLESS), engine.start(NAME, 0, BRIEF)
    until(lambda: engine.store.get(doomed.id).step > 0)
    owner = engine.store.get(doomed.id).owner
    assert owner is not None
    os.kill(process_id(owner), signal.SIGKILL)
    run = ended(engine.store, doomed)

    assert run.state == "failed"
    assert run.reason == (
        "The process that worked on this run ended unexpectedly; its best state so far is kept."
    )
    scenario = load_scenario(NAME)
    assert run.checkpoint is not None
    best = from_bytes(engine.store.artifacts.get(run.checkpoint), scenario.network, run.recipe)
    assert evaluate(best, scenario.data.validation).accuracy.value > 0.2

    run = ended(engine.store, following)

    assert run.state == "finished" and run.owner != owner


def test_a_cluster_that_dies_altogether_is_replaced(engine: Engine) -> None:
    run = engine.start(NAME, 0, ENDLESS)
    until(lambda: engine.store.get(run.id).step > 0)
    for child in psutil.Process().children():
        if "compress_core.cluster" in child.cmdline():
            child.kill()

    assert ended(engine.store, run).state == "failed"
    assert ended(engine.store, engine.start(NAME, 0, BRIEF)).state == "finished"


def test_closing_leaves_no_process_thread_or_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    processes, threads = children(), set(threading.enumerate())
    store = Store(home)
    engine = Engine(store)
    run = engine.start(NAME, 0, ENDLESS)
    until(lambda: store.get(run.id).step > 0)

    assert children() - processes and list(temporary.iterdir())

    engine.close()

    assert children() - processes == set()
    assert set(threading.enumerate()) - threads == set()
    assert list(temporary.iterdir()) == []
    assert ended(store, run).state == "failed"
    store.close()


def test_an_engine_that_is_closed_at_once_leaves_nothing(home: Path) -> None:
    processes = children()
    store = Store(home)
    Engine(store).close()

    assert children() - processes == set()
    store.close()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_the_cluster_ends_with_the_app(home: Path, tmp_path: Path, end: signal.Signals) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = (
        "from compress_core.engine import Engine; from compress_core.runs import open_store\n"
        "import time; engine = Engine(open_store()); time.sleep(600)"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with Popen(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, env=environment, cwd=ROOT
    ) as app:
        # The cluster, its resource tracker and its worker.
        until(lambda: len(psutil.Process(app.pid).children(recursive=True)) == 3)
        family = psutil.Process(app.pid).children(recursive=True)
        app.send_signal(end)
        app.wait(PATIENCE)
    _, alive = psutil.wait_procs(family, PATIENCE)

    assert alive == []
    assert list(temporary.iterdir()) == []


def test_another_scheduler_is_used_and_left_running(home: Path, scheduler: str) -> None:
    processes = children()
    store = Store(home)
    with Engine(store, scheduler) as engine:
        assert ended(store, engine.start(NAME, 0, BRIEF)).state == "finished"
        assert children() == processes
    store.close()


def test_a_scheduler_out_of_reach_is_told_and_the_run_waits(home: Path) -> None:
    store = Store(home)
    with Engine(store, scheduler="nonsense://127.0.0.1:1") as engine:
        run = engine.start(NAME, 0, BRIEF)
        until(lambda: engine.problem is not None)

        assert "The scheduler nonsense://127.0.0.1:1 cannot be reached" in (engine.problem or "")
        assert store.get(run.id).state == "queued"
    store.close()


def test_runs_that_were_left_queued_are_taken_up(engine: Engine) -> None:
    run = engine.store.create(NAME, 0, BRIEF)

    assert ended(engine.store, run).state == "finished"


def test_a_streamlit_script_may_keep_one(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def script() -> None:
        import streamlit as st

        from compress_core.engine import Engine
        from compress_core.recipe import Recipe
        from compress_core.runs import open_store

        engine = st.cache_resource(lambda: Engine(open_store()))()
        st.session_state.engine = engine
        st.session_state.run = engine.start("digits/simple-nn", 0, Recipe())

    monkeypatch.setenv("FITTING_ROOM_SCHEDULER", scheduler)
    app = AppTest.from_function(script, default_timeout=PATIENCE).run()
    assert not app.exception
    engine: Engine = app.session_state["engine"]
    assert ended(engine.store, app.session_state["run"]).state == "finished"
    engine.close()
    engine.store.close()
    st.cache_resource.clear()
