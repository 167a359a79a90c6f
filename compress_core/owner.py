"""Who works on a run: one process of one machine, and whether it still lives."""

import socket
from functools import cache

import psutil  # type: ignore[import-untyped]

SILENCE = 30.0
"""Seconds without a sign of life after which a process of another machine counts as lost."""
SILENCE_OF_THE_DEAD = 3.0
"""The same where the process is known to be gone: two containers may share a machine's name."""


@cache
def this_process() -> str:
    """Return the name of this process: machine, number and start, as numbers are used again."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"


def is_alive(owner: str) -> bool | None:
    """Tell whether the process still lives; None when it is of another machine."""
    host, number, started = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return None
    try:
        process = psutil.Process(int(number))
        zombie = process.status() == psutil.STATUS_ZOMBIE
        return not zombie and f"{process.create_time():.2f}" == started
    except psutil.NoSuchProcess:
        return False


def is_lost(owner: str | None, silent: float) -> bool:
    """Tell whether a process that was *silent* for so many seconds will not speak again."""
    alive = is_alive(owner) if owner else None
    # A living process of this machine is believed: after a suspended night every sign is old.
    return not alive and silent > (SILENCE if alive is None else SILENCE_OF_THE_DEAD)
