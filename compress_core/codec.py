"""Named arrays -> bytes -> the same arrays, bit for bit; both ends know types and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compress_core.ans import Array, Coder, Reader, Writer
from compress_core.numbers import Shape, pass_floats, pass_integers

Arrays = Mapping[str, Array]
Layout = Mapping[str, tuple[str, Shape]]
"""Name -> type and shape, in the order of packing."""

INTEGERS = ("bool", "int8", "uint8", "int16", "int32", "int64")


@dataclass(frozen=True, slots=True)
class Packed:
    """Arrays as bytes, and how many bits of them each array takes."""

    data: bytes
    bits: dict[str, int]


class Packer:
    """Packs arrays as they come, one after the other."""

    def __init__(self) -> None:
        self._writer, self._bookmarks = Writer(), [0]
        self._names: list[str] = []

    def add(self, name: str, array: Array) -> None:
        """Take in one array; raises ValueError for a type without a model."""
        _pass(self._writer, np.ascontiguousarray(array).ravel(), array.dtype.name, array.shape)
        self._names.append(name)
        self._bookmarks.append(self._writer.steps)

    def finish(self) -> Packed:
        """Return all of them as one block of bytes."""
        data, bits = self._writer.finish(self._bookmarks)
        return Packed(data, dict(zip(self._names, bits, strict=True)))


def pack(arrays: Arrays) -> Packed:
    """Return the arrays as one block of bytes; raises ValueError for a type without a model."""
    packer = Packer()
    for name, array in arrays.items():
        packer.add(name, array)
    return packer.finish()


def unpack(data: bytes, layout: Layout) -> dict[str, Array]:
    """Return the arrays; raises ValueError when the bytes are something else."""
    reader = Reader(data)
    arrays = {name: _pass(reader, None, dtype, shape) for name, (dtype, shape) in layout.items()}
    reader.close()
    return arrays


def layout_of(arrays: Arrays) -> dict[str, tuple[str, Shape]]:
    """Return what `unpack` has to know."""
    return {name: (array.dtype.name, array.shape) for name, array in arrays.items()}


def _pass(coder: Coder, flat: Array | None, dtype: str, shape: Shape) -> Array:
    if dtype == "float32":
        return pass_floats(coder, flat, shape).reshape(shape)
    if dtype not in INTEGERS:
        raise ValueError(f"Values of type {dtype} cannot be packed; make them float32.")
    found = pass_integers(coder, None if flat is None else flat.astype(np.int64), None, shape)
    if flat is not None:
        return flat
    cast = found.astype(dtype)
    if (cast != found).any():
        raise ValueError(f"a number does not fit into {dtype}")
    return cast.reshape(shape)
