"""A process that breaks leaves nothing behind but a sentence."""

import os
import time
from pathlib import Path

import pytest

from compress_core import sandbox
from compress_core.refusal import IntakeError, NeedsShape
from compress_core.sandbox import Limits, run_apart

CHILD = """
import os, sys, time
from pathlib import Path
from compress_core.refusal import NeedsShape
from compress_core.sandbox import confine, refuse
confine()
folder = Path(sys.argv[1])
match sys.argv[2]:
    case "works": (folder / "out").write_text("done")
    case "refuses": refuse(folder, NeedsShape("It is too odd."))
    case "crashes": os.abort()
    case "eats": big = bytearray(1 << 40)
    case "writes":
        with open(folder / "big", "wb") as file:
            for _ in range(100): file.write(bytes(1 << 20))
    case "sleeps":
        if os.fork() == 0:
            (folder.parent / "grandchild").write_text(str(os.getpid()))
        time.sleep(60)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    home, folder = tmp_path / "code", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    (home / "hostile.py").write_text(CHILD)
    monkeypatch.setattr(sandbox, "SEARCHED", f"{home}{os.pathsep}{sandbox.SEARCHED}")

    def start(what: str, seconds: float = 60) -> Path:
        run_apart("hostile", [what], folder, Limits(seconds=seconds, file=4 << 20))
        return folder

    return start


def test_what_works_returns_and_what_refuses_says_so(run) -> None:  # type: ignore[no-untyped-def]
    assert (run("works") / "out").read_text() == "done"
    with pytest.raises(NeedsShape, match="It is too odd"):
        run("refuses")


@pytest.mark.parametrize(
    ("what", "says"),
    [("crashes", r"crashed \(SIGABRT\)"), ("eats", "ended without"), ("writes", "crashed|ended")],
)
def test_its_death_is_a_sentence(run, what: str, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(IntakeError, match=says):
        run(what)


def test_what_hangs_is_ended_with_all_that_it_started(run, tmp_path: Path) -> None:  # type: ignore
    with pytest.raises(IntakeError, match="longer than 3 seconds"):
        run("sleeps", seconds=3)
    pid = int((tmp_path / "grandchild").read_text())
    for _ in range(100):
        if not alive(pid):
            break
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not yet collected does not."""
    import psutil  # type: ignore[import-untyped]

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
