"""
How a network passes from the process that read it to the one that asked: plain data only.

`structure.json` (see `structure`) and `weights.safetensors`, which is mapped into memory, not read.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, fx

from compress_core.effort import check_effort
from compress_core.network import Network, from_graph
from compress_core.refusal import IntakeError
from compress_core.structure import describe, rebuild

STRUCTURE, WEIGHTS = "structure.json", "weights.safetensors"
PIECE = 1 << 20
"""Values that are written at once."""
KINDS = {torch.float64: "F64", torch.int64: "I64", torch.float32: "F32", torch.int32: "I32",
         torch.float16: "F16", torch.bfloat16: "BF16", torch.int16: "I16", torch.int8: "I8",
         torch.uint8: "U8", torch.bool: "BOOL"}  # fmt: skip
"""Types of values -> their names in the format."""


def hand_over(network: Network, folder: Path) -> None:
    """Write *network* into *folder*; raises IntakeError when it cannot be described."""
    try:
        structure = describe(network)
    except ValueError as error:
        raise IntakeError(f"This network cannot be taken in: {error}") from error
    (folder / STRUCTURE).write_text(json.dumps(structure, allow_nan=False), encoding="utf-8")
    _save(network.module.state_dict(), folder / WEIGHTS)


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write a safetensors file piece by piece; the library's own writer holds all of it twice."""
    header, end = {}, 0
    # The largest values first: each stands where its size can divide the place.
    order = sorted(tensors, key=lambda name: -tensors[name].itemsize)
    for name in order:
        value = tensors[name]
        start, end = end, end + value.nbytes
        header[name] = {"dtype": KINDS[value.dtype], "shape": list(value.shape),
                        "data_offsets": [start, end]}  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            for piece in _pieces(tensors[name].detach()):
                file.write(piece.contiguous().reshape(-1).view(torch.uint8).numpy().data)


def _pieces(value: Tensor) -> list[Tensor]:
    """Cut a tensor along its first axis, so that no piece is large unless its rows are."""
    if not value.numel() or not value.dim():
        return [value] if value.numel() else []
    return list(value.split(max(1, PIECE * len(value) // value.numel())))


def take_over(folder: Path) -> Network:
    """Return the network in *folder*; raises IntakeError. Its weights are read when needed."""
    try:
        structure = json.loads((folder / STRUCTURE).read_text(encoding="utf-8"))
        module = rebuild(structure)
        check_effort(module, tuple(structure["input"]))
        _fill(module, folder / WEIGHTS)
        return from_graph(
            module, tuple(structure["input"]), tuple(structure["labels"]), structure["name"]
        )
    except IntakeError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise IntakeError(f"This network cannot be taken in: {reason}.") from error


def _fill(module: fx.GraphModule, path: Path) -> None:
    with safe_open(path, "pt") as file:
        values = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    module.load_state_dict(values, assign=True)
    module.requires_grad_(False)
