"""A compressed network as bytes that training can go on from: float weights, masks and grids."""

import json

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.grids import Grid, LinearGrid, TableGrid
from compress_core.network import Network, from_graph
from compress_core.recipe import Recipe
from compress_core.structure import describe, rebuild

STRUCTURE = "structure"
"""Key of the graph in the metadata of the file."""


def to_bytes(compressed: Compressed) -> bytes:
    """Return *compressed* as a safetensors file; the original network is not in it."""
    tensors = {f"network:{n}": t for n, t in compressed.network.module.state_dict().items()}
    tensors |= {f"network:{name}.weight": value for name, value in compressed.rounded.items()}
    tensors |= {f"mask:{name}": mask for name, mask in compressed.masks.items()}
    for what in ("weight_grids", "activation_grids"):
        for name, grid in getattr(compressed, what).items():
            tensors |= {f"{what}:{name}:{part}": t for part, t in _grid_tensors(grid).items()}
    structure = describe(compressed.network)
    return save(
        {name: t.contiguous() for name, t in tensors.items()}, {STRUCTURE: json.dumps(structure)}
    )


def from_bytes(data: bytes, network: Network, recipe: Recipe) -> Compressed:
    """
    Return the compressed network that `to_bytes` wrote, given the *network* it was made from.

    Raises ValueError when the bytes are no checkpoint.
    """
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(f"This checkpoint is damaged: {error}.") from error
    module = rebuild(json.loads(_metadata(data)[STRUCTURE]))
    module.load_state_dict(_named(tensors, "network"), assign=True)
    module.requires_grad_(False)
    return Compressed(
        original=network,
        recipe=recipe,
        network=from_graph(module, network.input_shape, network.labels, network.name),
        masks=_named(tensors, "mask"),
        weight_grids=_grids(_named(tensors, "weight_grids")),
        activation_grids=_grids(_named(tensors, "activation_grids")),
    )


def _metadata(data: bytes) -> dict[str, str]:
    """Return what stands in the header of a safetensors file beside the tensors."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if STRUCTURE not in header.get("__metadata__", {}):
        raise ValueError("This is no checkpoint: it does not say what network it holds.")
    metadata: dict[str, str] = header["__metadata__"]
    return metadata


def _grid_tensors(grid: Grid) -> dict[str, Tensor]:
    """Return the tensors of a grid, and its numbers as one more tensor."""
    if isinstance(grid, LinearGrid):
        numbers = [0, grid.bits, grid.low, grid.high]
        tensors = {"scale": grid.scale, "zero_point": grid.zero_point}
    else:
        numbers = [1 if grid.kind == "codebook" else 2, grid.bits, 0, 0]
        tensors = {"scale": grid.scale, "levels": grid.levels}
    axis = -1 if grid.axis is None else grid.axis
    return tensors | {"numbers": torch.tensor([*numbers, axis, grid.group_size or 0])}


def _grids(tensors: dict[str, Tensor]) -> dict[str, Grid]:
    names = dict.fromkeys(name.rpartition(":")[0] for name in tensors)
    return {name: _grid(_named(tensors, name)) for name in names}


def _grid(tensors: dict[str, Tensor]) -> Grid:
    kind, bits, low, high, axis, group = tensors["numbers"].tolist()
    scale, rows, group_size = tensors["scale"], None if axis < 0 else axis, group or None
    if kind == 0:
        return LinearGrid(
            bits=bits,
            scale=scale,
            zero_point=tensors["zero_point"],
            low=low,
            high=high,
            axis=rows,
            group_size=group_size,
        )
    return TableGrid(
        kind="codebook" if kind == 1 else "power_of_two",
        bits=bits,
        levels=tensors["levels"],
        scale=scale,
        axis=rows,
        group_size=group_size,
    )


def _named(tensors: dict[str, Tensor], what: str) -> dict[str, Tensor]:
    prefix = f"{what}:"
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
