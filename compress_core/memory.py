"""Memory that is used again and again: kept, where the C library can be told to."""

import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Names of settings in glibc's malloc.h."""
KEPT = 1 << 29
"""Bytes at the end of the heap that stay when they are free."""
HEAP = 1 << 26
"""Bytes of a piece of the heap that a thread has for itself; with so much room wanted, all stay."""

Result = TypeVar("Result")

_THREAD = ThreadPoolExecutor(1, "heavy")


def keep() -> None:
    """
    Let this process keep what it frees; does nothing where the C library is not glibc.

    Left to itself it gives large blocks back at once, and gets the next ones as pages that the
    system clears one by one. What photographs pass through is large, and taken anew for each layer.
    """
    if sys.platform != "linux":
        return
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        allocator.mallopt(M_MMAP_MAX, 0)
        allocator.mallopt(M_TRIM_THRESHOLD, KEPT)
        allocator.mallopt(M_TOP_PAD, 2 * HEAP)


def reusing(work: Callable[[], Result]) -> Result:
    """
    Do *work* in the one thread for all that takes much memory, and return or raise what it does.

    Each thread has a heap of its own, and pages run in ever new threads: none would find what
    another has freed. *work* must not wait for more of its kind.
    """
    return _THREAD.submit(work).result()
