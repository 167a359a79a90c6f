"""
Weights without a structure: safetensors and state dicts.

A state dict is a pickle; torch reads it with an unpickler that builds tensors and nothing else
(weights_only), in a confined process. Safetensors hold no code at all.
"""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from compress_core.importers.archive import open_archive, shown
from compress_core.refusal import IntakeError

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params_ema",
)
"""Keys under which training scripts keep the weights beside other things."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
"""What wrappers (parallel training, compilation, Lightning) put before every name."""
MOST_TENSORS = 100_000
CONVERT = """\
import torch
network = torch.load("model.pt", weights_only=False).eval()  # where its code is at hand
program = torch.export.export(network, (torch.zeros(2, 3, 224, 224),))  # two samples of its input
torch.export.save(program, "model.pt2")\
"""
"""Four lines that turn a pickled network into a file that can be read."""
PICKLED = (
    "This file is a whole pickled network: opening it would run whatever code is in it, so it is "
    f"not opened. Convert it where its code is at hand:\n\n{CONVERT}"
)


def read_tensors(path: Path, kind: str) -> dict[str, Tensor]:
    """Return the tensors in a file of the *kind* safetensors or state_dict; raises IntakeError."""
    found = _safetensors(path) if kind == "safetensors" else _state_dict(path)
    if not found:
        raise IntakeError("This file holds no weights.")
    if len(found) > MOST_TENSORS:
        raise IntakeError(f"This file holds {len(found):,} tensors; no network has so many.")
    return _without_prefix(found)


def read_shapes(path: Path, kind: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes alone; of safetensors, without touching the weights."""
    if kind != "safetensors":
        return {name: tuple(t.shape) for name, t in read_tensors(path, kind).items()}
    return {n: tuple(e["shape"]) for n, e in _header(path).items() if n != "__metadata__"}


def _safetensors(path: Path) -> dict[str, Tensor]:
    _check_header(path)
    try:
        with safe_open(path, "pt") as file:
            # Mapped from the file, so that large weights need no memory until they are used.
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise IntakeError(f"This safetensors file is damaged: {str(error)[:160]}.") from error


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(path.stat().st_size, 100 << 20):
            raise IntakeError("This safetensors file is cut short; copy it again.")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise IntakeError("The header of this safetensors file is damaged.") from error
    if not isinstance(header, dict):
        raise IntakeError("The header of this safetensors file is damaged.")
    return header


def _check_header(path: Path) -> None:
    size = path.stat().st_size
    for name, entry in _header(path).items():
        shape = entry.get("shape", []) if isinstance(entry, dict) else None
        if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise IntakeError(f"The tensor {shown(name)} has no shape; this file is damaged.")
        if prod(shape) > 8 * size:
            raise IntakeError(
                f"The tensor {shown(name)} claims {prod(shape):,} values; this file is damaged or "
                "cut short."
            )


def _state_dict(path: Path) -> dict[str, Tensor]:
    mapped = False
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    if zipped:
        with open_archive(path) as archive:
            archive.read("data.pkl")  # no larger than text may be
            # Mapped, large weights need no memory until they are used; packed bytes are no weights.
            mapped = all(e.compress_type == ZIP_STORED for e in archive.entries.values())
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:
        text = str(error)
        if "weights_only" in text.lower() or "Unsupported" in text or "unpickl" in text.lower():
            raise IntakeError(PICKLED) from error
        raise IntakeError("This state dict is damaged or cut short; copy it again.") from error
    return _tensors(loaded)


def _tensors(loaded: Any) -> dict[str, Tensor]:
    """Return the mapping of names to tensors, wherever a training script put it."""
    if not isinstance(loaded, Mapping):
        raise IntakeError("This file holds no state dict (names with their weights).")
    for wrapper in WRAPPERS:
        if isinstance(loaded.get(wrapper), Mapping):
            return _tensors(loaded[wrapper])
    found = {str(n): t.detach() for n, t in loaded.items() if isinstance(t, Tensor)}
    if any(t.is_sparse or t.is_quantized or t.is_complex() or t.is_meta for t in found.values()):
        raise IntakeError("The weights in this file are of a kind that is not read (sparse, "
                          "quantized or complex).")  # fmt: skip
    return found


def _without_prefix(found: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in found):
            return _without_prefix({n.removeprefix(prefix): t for n, t in found.items()})
    return found
