"""
A Dask scheduler and one worker, apart from the app: `python -m compress_core.cluster FOLDER`.

It writes its address to standard output and ends when its standard input closes: when the app
says so, and also when the app dies, however it dies. The folder, for temporary files, goes with
it. A process of its own, because workers that the app spawns would run the Streamlit script again,
as their `__main__`.
"""

# mypy: untyped-calls-exclude=distributed
# (its constructors have no annotations)

import logging
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from threading import Event

import dask
import psutil  # type: ignore[import-untyped]
from dask.system import CPU_COUNT
from distributed import LocalCluster

SETTINGS = {
    # After a suspended night no worker has been heard of for hours; it is not dead for that.
    "distributed.scheduler.worker-ttl": None,
    # A killed worker takes the tasks that wait behind it along; they are not to blame.
    "distributed.scheduler.allowed-failures": 20,
    # A busy machine may need a while to start a worker again.
    "distributed.deploy.lost-worker-timeout": "5 minutes",
    "distributed.worker.profile.enabled": False,
}


def main(scratch: str) -> None:
    """Serve until standard input closes."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nobody reads what workers print there, and a full pipe would stop them
    _prepare(scratch)
    cluster = _cluster(scratch)
    with suppress(BrokenPipeError), answer:  # the app may have died by now
        print(cluster.scheduler_address, file=answer, flush=True)
    sys.stdin.buffer.read()
    _kill_workers(cluster)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)  # to close the cluster in peace would take seconds, for nobody


def _prepare(scratch: str) -> None:
    """Set what the worker, a child of this process, inherits."""
    dask.config.set(SETTINGS)
    # Whatever libraries leave in a temporary folder goes away with this one.
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    # The page server must breathe; torch reads this once, when a worker imports it.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, CPU_COUNT - 1)))
    # Python remarks on semaphores of a killed worker, which are removed at that very moment.
    known = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (known, "ignore:resource_tracker")))


def _cluster(scratch: str) -> LocalCluster:
    # Whoever reaches a scheduler can run code: nothing listens beyond this machine, no dashboard.
    return LocalCluster(
        host="127.0.0.1",
        n_workers=1,
        threads_per_worker=1,
        memory_limit=0,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        silence_logs=logging.ERROR,
        local_directory=scratch,
    )


def _kill_workers(cluster: LocalCluster) -> None:
    logging.disable()  # what is cut off complains, to nobody's use
    # Its event loop first: it would start them again.
    stopped = Event()
    if cluster.loop is not None:
        cluster.loop.add_callback(cluster.loop.stop)
        cluster.loop.add_callback(stopped.set)
        stopped.wait(5)
    for nanny in cluster.workers.values():
        # One that is just starting has no number yet; it ends with this process.
        with suppress(psutil.Error):
            if nanny.pid is not None:
                worker = psutil.Process(nanny.pid)
                worker.kill()
                worker.wait(5)


if __name__ == "__main__":
    main(sys.argv[1])
