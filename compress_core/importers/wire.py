"""Protobuf on the wire: where the fields of a message lie, found without building the message."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

from compress_core.refusal import IntakeError

Bytes = bytes | mmap.mmap
VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5
"""How the content of a field is written."""
FIXED = {EIGHT: 8, FOUR: 4}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, how it is written, and where (bytes from the start of the file)."""

    number: int
    kind: int
    start: int
    """Of its tag."""
    content: int
    end: int


def fields(raw: Bytes, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message in raw[start:end]; raises IntakeError where it is none."""
    place = start
    while place < end:
        tag, content = varint(raw, place, end)
        kind = tag & 7
        if kind == LENGTH:
            length, content = varint(raw, content, end)
            after = content + length
        elif kind == VARINT:
            _, after = varint(raw, content, end)
        elif kind in FIXED:
            after = content + FIXED[kind]
        else:
            raise damaged()
        if after > end:
            raise damaged()
        yield Field(tag >> 3, kind, place, content, after)
        place = after


def varint(raw: Bytes, place: int, end: int) -> tuple[int, int]:
    """Return the number at *place* and where it ends; raises IntakeError."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            break
        byte = raw[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise damaged()


def message(number: int, content: bytes) -> bytes:
    """Return a field that holds a message or bytes."""
    return _varint(number << 3 | LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def damaged() -> IntakeError:
    """Return what to say of a message that is none."""
    return IntakeError(
        "This ONNX file is damaged, cut short or nested too deeply; copy or export it again."
    )
