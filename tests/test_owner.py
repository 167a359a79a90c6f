import os
import socket
import subprocess
import sys

import pytest

from compress_core.owner import is_alive, is_lost, this_process


@pytest.fixture(scope="module")
def dead() -> str:
    """The name of a process that is over."""
    code = "from compress_core.owner import this_process; print(this_process())"
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_a_process_names_itself() -> None:
    assert f"/{os.getpid()}/" in this_process()
    assert is_alive(this_process()) is True


def test_a_process_that_ended_is_not_alive(dead: str) -> None:
    assert is_alive(dead) is False


def test_a_number_that_is_used_again_is_another_process() -> None:
    assert is_alive(f"{socket.gethostname()}/{os.getpid()}/1.00") is False


def test_of_another_machine_nothing_is_known() -> None:
    assert is_alive("elsewhere/1/1.00") is None


def test_lost_is_who_is_dead_here_or_long_silent_elsewhere(dead: str) -> None:
    assert is_lost(dead, silent=4.0)
    assert not is_lost(dead, silent=1.0)
    assert is_lost("elsewhere/1/1.00", silent=31.0)
    assert not is_lost("elsewhere/1/1.00", silent=29.0)
    assert is_lost(None, silent=31.0)
    assert not is_lost(this_process(), silent=1e6)
