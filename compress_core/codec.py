"""Named arrays -> bytes -> the same arrays: one compressed frame each, so that sizes add up."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import zstandard

MAGIC = b"FITR\x00\x01"
LEVEL = 19

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = Mapping[str, Array]


def pack(arrays: Arrays) -> bytes:
    """Return the arrays as one block of bytes; `unpack` gives them back bit for bit."""
    return join(arrays, frames(arrays))


def frames(arrays: Arrays) -> dict[str, bytes]:
    """Return each array's own compressed frame."""
    return {name: _compress(np.ascontiguousarray(a).tobytes()) for name, a in arrays.items()}


def join(arrays: Arrays, frames: Mapping[str, bytes]) -> bytes:
    """Return the packed file made of the frames of *arrays*."""
    shapes = {
        name: [array.dtype.str, array.shape, len(frames[name])] for name, array in arrays.items()
    }
    header = _compress(json.dumps(shapes, separators=(",", ":")).encode())
    return b"".join([MAGIC, len(header).to_bytes(4, "little"), header, *frames.values()])


def unpack(packed: bytes) -> dict[str, Array]:
    """Return the arrays; raises ValueError when the bytes are cut short or something else."""
    if packed[: len(MAGIC)] != MAGIC:
        raise ValueError("This is not a packed network.")
    try:
        start = len(MAGIC) + 4
        end = start + int.from_bytes(packed[len(MAGIC) : start], "little")
        header = json.loads(zstandard.decompress(packed[start:end]))
        arrays = {}
        for name, (dtype, shape, length) in header.items():
            raw = zstandard.decompress(packed[end : end + length])
            arrays[name] = np.frombuffer(raw, dtype).reshape(shape).copy()
            end += length
        return arrays
    except (zstandard.ZstdError, ValueError, TypeError) as error:
        raise ValueError(f"This packed network is damaged: {error}.") from error


def _compress(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=LEVEL).compress(raw)
