"""Which format a network file has, told from its content and never from its name."""

import json
from pathlib import Path
from typing import Literal

from compress_core.envelope import MAGIC
from compress_core.importers.archive import Archive, open_archive
from compress_core.refusal import IntakeError

Format = Literal["fit", "safetensors", "torchscript", "pt2", "state_dict", "pickle", "onnx"]
ZIP = b"PK\x03\x04"
LONGEST_HEADER = 100 << 20
"""Bytes of the header of a safetensors file, as the library allows."""
LEGACY = (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9")
"""How files of torch.save began before version 1.6."""

WHAT_IS_READ = (
    "ONNX (.onnx), TorchScript (.pt), PyTorch exported programs (.pt2), safetensors, state dicts "
    "saved with torch.save, and packed networks (.fit)"
)


def recognise(path: Path) -> Format:
    """Return the format of a file; raises IntakeError when it is none that can be read."""
    if path.is_symlink() or not path.is_file():
        raise IntakeError("This is no regular file; choose the file of the network itself.")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(1 << 16)
    if not start:
        raise IntakeError("This file is empty; copy it again.")
    if start.startswith(MAGIC):
        return "fit"
    if start.startswith(ZIP):
        with open_archive(path) as archive:
            return _in_archive(archive)
    if start.startswith(LEGACY):
        return "state_dict"
    if start[:1] == b"\x80" and start[1] <= 5:
        return "pickle"
    if _is_safetensors(start, size):
        return "safetensors"
    if _is_onnx(start):
        return "onnx"
    raise IntakeError(f"This is no network that can be read here; these are: {WHAT_IS_READ}.")


def _in_archive(archive: Archive) -> Format:
    names = archive.names
    if "archive_format" in names or "models/model.json" in names:
        return "pt2"
    if any(name.startswith("code/") for name in names) and "constants.pkl" in names:
        return "torchscript"
    if "data.pkl" in names:
        return "state_dict"
    if "serialized_exported_program.json" in names:
        raise IntakeError(
            "This exported program was written by PyTorch before version 2.8, in a format that "
            "holds pickles; load it there and write it again with torch.onnx.export, or with "
            "torch.export.save of a newer PyTorch."
        )
    raise IntakeError(
        "This zip holds no network that can be read here; choose the file of the network itself."
    )


def _is_safetensors(start: bytes, size: int) -> bool:
    """Tell whether eight bytes of length and the beginning of a JSON object come first."""
    length = int.from_bytes(start[:8], "little")
    if start[8:9] != b"{" or not 2 <= length <= LONGEST_HEADER:
        return False
    if 8 + length > size:
        raise IntakeError("This safetensors file is cut short; copy it again.")
    return length + 8 > len(start) or _is_json(start[8 : 8 + length])


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_onnx(start: bytes) -> bool:
    """
    Tell whether this is a protobuf message that begins as models do.

    Field 1 (the version of the format, a small number), then texts such as the producer's name
    (fields 2 to 6), the graph (7) or the operator sets (8).
    """
    return start[0] == 0x08 and 1 <= start[1] < 32 and len(start) > 2 and start[2] in _ONNX_FIELDS


_ONNX_FIELDS = frozenset({0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72})
