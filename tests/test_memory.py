"""Memory that the app keeps: blocks that come again are not fetched from the system again."""

import platform
import subprocess
import sys
import threading

import pytest

from compress_core.memory import reusing

PROGRAM = """
import resource, sys, torch
from compress_core.memory import keep
if sys.argv[1] == "kept":
    keep()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(6):
    torch.ones(1 << 24)
before = faults()
for _ in range(5):
    torch.ones(1 << 22)
print(faults() - before)
"""


def faults(how: str) -> int:
    """Return how many pages 5 blocks of 16 MB take, one after the other, after 6 larger ones."""
    command = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_large_blocks_come_again_without_new_pages() -> None:
    kept, left = faults("kept"), faults("left")
    assert kept < 1_000
    assert kept < left


def test_heavy_work_is_done_by_one_thread_and_errors_come_back() -> None:
    first, second = (reusing(threading.get_ident) for _ in range(2))
    assert first == second != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        reusing(lambda: 1 // 0)
    assert reusing(lambda: "still there") == "still there"
