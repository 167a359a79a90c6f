"""Named arrays -> bytes -> the same arrays, bit for bit; both ends know types and shapes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from compress_core.ans import Array, Coder, Reader, Writer, join
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
    """Packs arrays as they come, in any order."""

    def __init__(self) -> None:
        self._writers: dict[str, Writer] = {}

    def add(self, name: str, array: Array) -> None:
        """
        Take in one array, instead of what had this name before.

        Raises ValueError for a type without a model.
        """
        writer = Writer()
        _pass(writer, np.ascontiguousarray(array).ravel(), array.dtype.name, array.shape)
        self._writers[name] = writer

    def finish(self, names: Iterable[str]) -> Packed:
        """Return the named arrays, in this order, as one block of bytes."""
        writers = {name: self._writers[name] for name in names}
        data, bits = join(list(writers.values()))
        return Packed(data, dict(zip(writers, bits, strict=True)))


def pack(arrays: Arrays) -> Packed:
    """Return the arrays as one block of bytes; raises ValueError for a type without a model."""
    packer = Packer()
    for name, array in arrays.items():
        packer.add(name, array)
    return packer.finish(arrays)


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
