"""
Large weights of an ONNX file, laid beside the model so that they can be mapped into memory.

Protobuf parsers hold a file and what they made of it, both whole. So the weights are copied from
file to file before anything is parsed; what remains is small, and names them as external data, as
the format allows.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from compress_core.importers.archive import shown
from compress_core.importers.wire import LENGTH, VARINT, Field, fields, message, varint
from compress_core.refusal import IntakeError

WEIGHTS, LIGHT = "weights.bin", "light.onnx"
"""Files in the folder of the reading process."""
LARGE = 1 << 16
"""Bytes from which on weights are laid aside; shapes and the like stay where they are."""
ALIGNED = 64
GRAPH, INITIALIZER = 7, 5
"""Fields of a model, of a graph."""
TYPE, FLOATS, RAW = 2, 4, 9
"""Fields of a tensor: type of the values, floats (packed: as raw ones), raw values."""
FLOAT, EXTERNAL = 1, 1
TYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32,
    7: torch.int64, 9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip
"""Type in the format (TensorProto.DataType) -> type of the values that are laid aside."""
CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Place:
    """Where the values of a tensor lie in `WEIGHTS`, in bytes."""

    offset: int
    length: int


def lay_aside(path: Path, folder: Path) -> tuple[bytes, dict[int, Place]]:
    """
    Write the large weights of the file *path* to `WEIGHTS` in *folder*.

    Returns the model without them, and by the number of their initializers where they are.
    Raises IntakeError for what is no protobuf message.
    """
    places: dict[int, Place] = {}
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw,
        (folder / WEIGHTS).open("wb") as out,
    ):
        return b"".join(_without_weights(raw, out, places)), places


def _without_weights(raw: mmap.mmap, out: BinaryIO, places: dict[int, Place]) -> Iterator[bytes]:
    number = 0
    for part in fields(raw, 0, len(raw)):
        if (part.number, part.kind) != (GRAPH, LENGTH):
            yield raw[part.start : part.end]
            continue
        kept: list[bytes] = []
        since = part.content
        for inner in fields(raw, part.content, part.end):
            if (inner.number, inner.kind) != (INITIALIZER, LENGTH):
                continue
            if values := _values(raw, inner):
                places[number] = _copy(raw, values, out)
                rest = raw[inner.content : values.start] + raw[values.end : inner.end]
                kept += raw[since : inner.start], message(INITIALIZER, rest)
                since = inner.end
            number += 1
        yield message(GRAPH, b"".join([*kept, raw[since : part.end]]))


def _values(raw: mmap.mmap, tensor: Field) -> Field | None:
    """Return the field with the values of a tensor, if they are large and in one piece."""
    if tensor.end - tensor.content < LARGE:
        return None
    kind, found = 0, []
    for part in fields(raw, tensor.content, tensor.end):
        if (part.number, part.kind) == (TYPE, VARINT):
            kind, _ = varint(raw, part.content, part.end)
        elif part.number in (FLOATS, RAW):
            found.append(part)
    if len(found) != 1 or kind not in TYPES or (found[0].number == FLOATS and kind != FLOAT):
        return None
    (values,) = found
    large = values.kind == LENGTH and values.end - values.content >= LARGE
    return values if large else None


def _copy(raw: mmap.mmap, values: Field, out: BinaryIO) -> Place:
    out.write(bytes(-out.tell() % ALIGNED))
    place = Place(out.tell(), values.end - values.content)
    for start in range(values.content, values.end, CHUNK):
        out.write(raw[start : min(start + CHUNK, values.end)])
    return place


def point_to(tensor: Any, place: Place) -> None:
    """Let a TensorProto say where its values lie (in place)."""
    tensor.data_location = EXTERNAL
    for key, value in (("location", WEIGHTS), ("offset", place.offset), ("length", place.length)):
        tensor.external_data.add(key=key, value=str(value))


def mapped(proto: Any, place: Place, folder: Path) -> Tensor:
    """
    Return the values that were laid aside, read from the disk when they are used.

    Floats of other kinds become float32. Raises IntakeError when there are more or fewer than the
    tensor's shape says.
    """
    dtype, count = TYPES[proto.data_type], 1
    for size in proto.dims:
        count *= max(size, -1)
    if count < 0 or count * dtype.itemsize != place.length:
        raise IntakeError(
            f"The tensor {shown(proto.name)} of this ONNX file is damaged or cut short."
        )
    file = folder / WEIGHTS
    # Private: whoever writes into them gets pages of its own.
    whole = torch.from_file(str(file), shared=False, size=file.stat().st_size, dtype=torch.uint8)
    values = whole[place.offset : place.offset + place.length].view(dtype).reshape(*proto.dims)
    return values.float() if dtype.is_floating_point else values
