"""A compressed network as bytes that training can go on from: float weights, masks and grids."""

import json
from copy import deepcopy
from dataclasses import replace

import torch
from safetensors.torch import load, save
from torch import Tensor

from compress_core.compress import Compressed, compress
from compress_core.grids import Grid, LinearGrid, TableGrid
from compress_core.network import Network
from compress_core.recipe import Quantize, Recipe


def to_bytes(compressed: Compressed) -> bytes:
    """Return *compressed* as a safetensors file; the original network is not in it."""
    tensors = {f"network:{n}": t for n, t in compressed.network.module.state_dict().items()}
    tensors |= {f"mask:{name}": mask for name, mask in compressed.masks.items()}
    for what in ("weight_grids", "activation_grids"):
        for name, grid in getattr(compressed, what).items():
            tensors |= {f"{what}:{name}:{part}": t for part, t in _grid_tensors(grid).items()}
    metadata = {"recipe": json.dumps(json.loads(compressed.recipe.to_json()))}
    return save({name: t.contiguous() for name, t in tensors.items()}, metadata)


def from_bytes(data: bytes, network: Network, recipe: Recipe) -> Compressed:
    """
    Return the compressed network that `to_bytes` wrote, given the *network* it was made from.

    Raises ValueError when the bytes do not belong to this network and recipe.
    """
    tensors = load(data)
    shaped = compress(network, _weights_only(recipe))
    module = deepcopy(shaped.network.module)
    try:
        module.load_state_dict(_named(tensors, "network"))
    except RuntimeError as error:
        raise ValueError(f"This checkpoint was made from another network: {error}") from error
    return replace(
        shaped,
        recipe=recipe,
        network=replace(shaped.network, module=module),
        masks=_named(tensors, "mask"),
        weight_grids=_grids(_named(tensors, "weight_grids")),
        activation_grids=_grids(_named(tensors, "activation_grids")),
    )


def _weights_only(recipe: Recipe) -> Recipe:
    """Return what gives the same shapes without data: no activation needs calibrating."""
    steps = [
        replace(s, activation_bits=None, weight_bits=s.weight_bits or 8)
        if isinstance(s, Quantize)
        else s
        for s in recipe.steps
    ]
    return replace(recipe, steps=tuple(steps))


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
