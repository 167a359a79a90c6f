"""
Pack in a process of its own while other work goes on in this one: `python -m compress_core.aside`.

Python does one thing at a time, so a thread would gain nothing. The process reads arrays from its
standard input as they come, each after a line of JSON, and answers with what `pack` makes of them.
It ends when its input closes: when the app ends, and also when the app dies, however it dies.
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Self

import numpy as np

from compress_core.ans import Array
from compress_core.codec import Packed, Packer, pack
from compress_core.memory import keep

ROOT = Path(__file__).resolve().parent.parent
Child = subprocess.Popen[bytes]


class Packing:
    """
    Arrays that are being packed while more of them come; leaving the block says that it was all.

        with Packing() as packing:
            packing.add(some)
            packing.add(others)
        packed = packing.result()
    """

    def __init__(self) -> None:
        self._given: dict[str, Array] = {}
        self._coming: SimpleQueue[Mapping[str, Array] | None] = SimpleQueue()
        self._packed = _THREAD.submit(_pack, self._given, self._coming)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._coming.put(None)

    def add(self, arrays: Mapping[str, Array]) -> None:
        """
        Hand over *arrays*, which nobody may change any more; returns at once.

        They take the place of what had their names before, and nothing is done twice for those
        that are the same. A file holds all in the order in which they came last.
        """
        before = {name: self._given.pop(name, None) for name in arrays}
        self._given.update(arrays)
        self._coming.put({n: a for n, a in arrays.items() if not _same(a, before[n])})

    def complete(self, arrays: Mapping[str, Array]) -> None:
        """Hand over all that the file is to hold: whatever else came was a guess."""
        self.add(arrays)
        for name in self._given.keys() - arrays.keys():
            del self._given[name]

    def result(self) -> Packed:
        """Wait for what `pack` returns, or raises, for all arrays together."""
        return self._packed.result()


_THREAD = ThreadPoolExecutor(1, "packing")
"""Talks to the process: one file after the other."""


def start() -> None:
    """Start the process: it is ready a second or two later, and what is begun earlier waits."""
    _THREAD.submit(_child)


def _same(array: Array, before: Array | None) -> bool:
    if before is None or (array.dtype, array.shape) != (before.dtype, before.shape):
        return False
    return array.tobytes() == before.tobytes()


def _pack(given: Mapping[str, Array], coming: "SimpleQueue[Mapping[str, Array] | None]") -> Packed:
    """Pack what is *given* once all has come."""
    arriving = iter(coming.get, None)
    try:
        return _ask(_child(), arriving, given)
    except (OSError, EOFError, ValueError):
        # It is gone, or what it was given cannot be packed, which `pack` says better.
        _forget()
        for _ in arriving:
            pass
        return pack(given)


@cache
def _child() -> Child:
    child = subprocess.Popen(
        [sys.executable, "-m", __spec__.name],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    atexit.register(_end, child)
    return child


def _forget() -> None:
    """End the process, if there is one; who wants one next starts another."""
    if _child.cache_info().currsize:
        _end(_child())
    _child.cache_clear()


def _end(child: Child) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with suppress(OSError):  # what was not sent yet cannot be sent any more
            assert pipe is not None
            pipe.close()


def _ask(child: Child, arriving: Iterator[Mapping[str, Array]], order: Iterable[str]) -> Packed:
    """
    Send arrays as they come, then their *order*, and return the answer.

    Raises OSError, EOFError (it ended within its answer) or ValueError where none comes.
    """
    assert child.stdin is not None and child.stdout is not None
    for arrays in arriving:
        # In one go: between two, this thread would wait for the one that computes.
        child.stdin.write(b"".join(_parcels(arrays)))
        child.stdin.flush()
    child.stdin.write(_line("", "", list(order)))
    child.stdin.flush()
    length, bits = json.loads(child.stdout.readline())
    data = child.stdout.read(length)
    if len(data) < length:
        raise EOFError
    return Packed(data, bits)


def _parcels(arrays: Mapping[str, Array]) -> Iterator[bytes]:
    for name, array in arrays.items():
        yield _line(name, array.dtype.name, array.shape)
        yield array.tobytes()


def _line(*what: object) -> bytes:
    return json.dumps(what).encode() + b"\n"


def main() -> None:
    """Pack what comes until standard input closes."""
    keep()
    source, answer = sys.stdin.buffer, sys.stdout.buffer
    packer = Packer()
    for line in iter(source.readline, b""):
        name, kind, shape_or_order = json.loads(line)
        if name:
            count = int(np.prod(shape_or_order, dtype=np.int64)) * np.dtype(kind).itemsize
            array = np.frombuffer(source.read(count), kind).reshape(shape_or_order)
            packer.add(name, array)
            continue
        packed = packer.finish(shape_or_order)
        answer.write(_line(len(packed.data), packed.bits) + packed.data)
        answer.flush()
        packer = Packer()


if __name__ == "__main__":
    main()
