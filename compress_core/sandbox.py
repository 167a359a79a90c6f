"""Run one module of ours in a process of its own, which hostile input may break but not leave."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from compress_core.refusal import REFUSALS, IntakeError

REFUSAL = "refusal.json"
"""In the folder of a child: [kind, sentence] that it ends with when it refuses its input."""
SEARCHED = str(Path(__file__).resolve().parents[1])
"""Where the child looks for modules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use."""

    seconds: float = 120
    memory: int = 8 << 30
    """Bytes of address space; torch alone maps about three gigabytes."""
    file: int = 8 << 30
    """Bytes of one file that it writes."""


def run_apart(module: str, arguments: Sequence[str], folder: Path, limits: Limits) -> None:
    """
    Run `python -m module folder arguments` and return when it has ended well.

    *module* calls `confine` before it reads anything, and writes into *folder* only. Raises
    IntakeError with what it said in `REFUSAL`, or with how it ended. Nothing of it stays alive.
    """
    command = [sys.executable, "-m", module, str(folder), *arguments]
    environment = {**os.environ, "FITTING_ROOM_LIMITS": f"{limits.memory} {limits.file}"}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": SEARCHED, "TMPDIR": str(folder)}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            code = child.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            raise IntakeError(
                f"Reading this file took longer than {limits.seconds:.0f} seconds and was stopped; "
                "a smaller network, or another format of it, may be read."
            ) from None
        finally:
            # Also whatever it started itself, and also when this thread is asked to stop.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
    said = folder / REFUSAL
    if code and said.is_file():
        kind, text = json.loads(said.read_text(encoding="utf-8"))
        raise REFUSALS[kind](text)
    if code:
        raise IntakeError(_epitaph(code))


def refuse(folder: Path, error: IntakeError) -> NoReturn:
    """End this process with a refusal that `run_apart` raises again."""
    kind = type(error).__name__ if type(error).__name__ in REFUSALS else "IntakeError"
    (folder / REFUSAL).write_text(json.dumps([kind, str(error)[:2000]]), encoding="utf-8")
    sys.exit(1)


def confine() -> None:
    """Limit this process to what `run_apart` allows it, before it reads anything."""
    memory, file = (int(number) for number in os.environ["FITTING_ROOM_LIMITS"].split())
    if sys.platform != "win32":
        import resource

        for what, limit in (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_FSIZE, file),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):  # macOS has no limit on address space
                resource.setrlimit(what, (limit, limit))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone."""
    import time

    while os.getppid() == parent:
        time.sleep(2)
    os._exit(3)


def _epitaph(code: int) -> str:
    if code == -signal.SIGKILL:
        how = "was stopped by the system, most likely because it needed too much memory"
    elif code < 0:
        how = f"crashed ({signal.Signals(-code).name})"
    else:
        how = "ended without an answer"
    return (
        f"The program that reads this file {how}; the file is damaged or not what it says it is. "
        "Nothing else was affected."
    )
