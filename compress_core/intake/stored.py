"""One NumPy array in a file: its header is checked before a byte of it is believed."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from compress_core.intake.limits import MOST_ROWS
from compress_core.intake.tree import Tree
from compress_core.intake.wanted import shown
from compress_core.refusal import IntakeError

NUMBERS = "buif"
"""Kinds of dtypes: truth values, unsigned, signed, floating."""
IN_MEMORY = 512 << 20
"""Bytes of an array that may be read at once."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An array in a file: where it is and what its header says."""

    entry: str
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one sample."""
        return prod(self.shape[1:]) * self.dtype.itemsize


def open_array(tree: Tree, entry: str, size: int) -> Stored:
    """Read the header of an array of *size* bytes; raises IntakeError where it cannot be true."""
    with tree.open(entry) as file:
        try:
            shape, fortran, dtype = _header(file)
        except Exception as error:  # the reader raises whatever a damaged header leads it to
            raise IntakeError(f"{entry} is a damaged array; save it again.") from error
        start = file.tell()
    if dtype.hasobject:
        raise IntakeError(
            f"{entry} holds Python objects, and loading them runs code; save numbers or texts: "
            "x.astype('float32')."
        )
    if any(n < 0 for n in shape) or prod(shape) * dtype.itemsize != size - start:
        raise IntakeError(
            f"{entry} says that it has the shape {shown(shape)}, which are not the bytes that "
            "follow; save it again."
        )
    if shape and shape[0] > MOST_ROWS:
        raise IntakeError(f"{entry} has more than {MOST_ROWS:,} samples; choose fewer.")
    name = entry.rpartition("/")[2].removesuffix(".npy")
    return Stored(entry, name, shape, dtype, fortran)


def read_whole(tree: Tree, stored: Stored) -> NDArray[Any]:
    """Return the array; for those that hold one value, or a few, for each sample."""
    with tree.open(stored.entry) as file:
        _header(file)
        values = np.frombuffer(file.read(prod(stored.shape) * stored.dtype.itemsize), stored.dtype)
    if stored.fortran:
        return values.reshape(stored.shape[::-1]).T
    return values.reshape(stored.shape)


def read_rows(tree: Tree, stored: Stored, rows: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
    """Yield the rows asked for, ascending, without holding more than one."""
    if stored.fortran and len(stored.shape) > 1:
        yield from read_whole(tree, stored)[rows]
        return
    with tree.open(stored.entry) as file:
        _header(file)
        at = 0
        for row in rows.tolist():
            _skip(file, (row - at) * stored.row_bytes)
            at = row + 1
            raw = file.read(stored.row_bytes)
            yield np.frombuffer(raw, stored.dtype).reshape(stored.shape[1:])


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype


def _skip(file: IO[bytes], count: int) -> None:
    while count > 0 and (skipped := len(file.read(min(count, 1 << 20)))):
        count -= skipped
