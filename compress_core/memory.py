"""Memory that is used again and again: kept, where the C library can be told to."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Names of settings in glibc's malloc.h."""
KEPT = 1 << 29
"""Bytes at the end of the heap that stay when they are free."""


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
