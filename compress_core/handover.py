"""
How a network passes from the process that read it to the one that asked: plain data only.

`structure.json` (see `structure`) and `weights.safetensors`, which is mapped into memory, not read.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, fx

from compress_core.effort import check_effort
from compress_core.network import Network, from_graph
from compress_core.refusal import IntakeError
from compress_core.structure import describe, rebuild

STRUCTURE, WEIGHTS = "structure.json", "weights.safetensors"


def hand_over(network: Network, folder: Path) -> None:
    """Write *network* into *folder*; raises IntakeError when it cannot be described."""
    try:
        structure = describe(network)
    except ValueError as error:
        raise IntakeError(f"This network cannot be taken in: {error}") from error
    seen: set[tuple[int, tuple[int, ...]]] = set()
    tensors: dict[str, Tensor] = {}
    for name, value in network.module.state_dict().items():
        place = (value.untyped_storage().data_ptr(), tuple(value.shape))
        # Weights used twice are stored twice.
        whole = value.is_contiguous() and place not in seen and value.storage_offset() == 0
        tensors[name] = value if whole else value.clone(memory_format=torch.contiguous_format)
        seen.add(place)
    (folder / STRUCTURE).write_text(json.dumps(structure, allow_nan=False), encoding="utf-8")
    save_file(tensors, folder / WEIGHTS)


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
