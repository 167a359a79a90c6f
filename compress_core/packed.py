"""What a compressed network stores: codes and grids, or values, as arrays; and the way back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, fx

from compress_core.ans import Array
from compress_core.compressed import Compressed
from compress_core.fit_grid import fit_power_of_two
from compress_core.grids import Grid, LinearGrid, TableGrid
from compress_core.structure import stored_tensors

Description = dict[str, Any]

PARAMETERS = {"scale": "float32", "zero_point": "int16", "levels": "float32"}
"""Type of every tensor that a grid may store."""


def stored_arrays(compressed: Compressed) -> dict[str, Array]:
    """Return everything that the network's values are computed from, named `<what>:<tensor>`."""
    arrays: dict[str, Array] = {}
    weights = {f"{name}.weight": name for name in compressed.layer_names}
    for tensor_name, value in stored_tensors(compressed.network.module):
        if tensor_name in weights:
            arrays |= weight_arrays(compressed, weights[tensor_name])
        else:
            arrays[f"values:{tensor_name}"] = value.numpy()
    for node, grid in activation_grids(compressed).items():
        arrays |= {f"{what}:{node}": array for what, array in _grid_arrays(grid)}
    return arrays


def weight_arrays(compressed: Compressed, layer: str) -> dict[str, Array]:
    """Return what `stored_arrays` says of the weight of one layer."""
    stored = layer_arrays(compressed, layer)
    return {f"{what}:{layer}.weight": array for what, array in stored}


def activation_grids(compressed: Compressed) -> dict[str, Grid]:
    """Return the grids of activations in order of execution: equal networks make equal files."""
    grids = compressed.activation_grids
    nodes = [node.name for node in compressed.network.module.graph.nodes]
    return {name: grids[name] for name in nodes if name in grids}


def layer_arrays(compressed: Compressed, name: str) -> Iterator[tuple[str, Array]]:
    """Yield what the weight of one layer is stored as."""
    grid = compressed.weight_grids.get(name)
    if grid is None:
        weight = compressed.weight(name)
        # What was masked may be -0.0; one zero is enough.
        yield "values", torch.where(weight == 0, 0.0, weight).numpy()
    else:
        yield "codes", compressed.codes(name).numpy()
        yield from _grid_arrays(grid)


def describe_grid(grid: Grid) -> Description:
    """Return a grid as plain data, with the shapes of its tensors instead of their values."""
    members = {field.name: getattr(grid, field.name) for field in fields(grid)}
    plain = {n: v for n, v in members.items() if v is not None and not isinstance(v, Tensor)}
    shapes = {what: list(array.shape) for what, array in _grid_arrays(grid)}
    return plain | {"codes": str(grid.dtype).removeprefix("torch."), "stored": shapes}


def layout(
    module: fx.GraphModule,
    weights: Mapping[str, Description],
    activations: Mapping[str, Description],
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return name -> (type, shape) of the arrays that `stored_arrays` makes of such a network."""
    specs = {}
    for tensor_name, value in stored_tensors(module):
        grid = weights.get(tensor_name.removesuffix(".weight"))
        shape = tuple(value.shape)
        if grid is None or not tensor_name.endswith(".weight"):
            specs[f"values:{tensor_name}"] = ("float32", shape)
        else:
            specs[f"codes:{tensor_name}"] = (grid["codes"], shape)
            specs |= _grid_layout(grid, tensor_name)
    for node, grid in activations.items():
        specs |= _grid_layout(grid, node)
    return specs


def restore_weight(arrays: Mapping[str, Array], tensor_name: str, grid: Grid | None) -> Tensor:
    """Return a weight or another tensor from what was stored for it."""
    if grid is None:
        return torch.from_numpy(arrays[f"values:{tensor_name}"])
    codes = torch.from_numpy(arrays[f"codes:{tensor_name}"])
    low, high = (grid.low, grid.high) if isinstance(grid, LinearGrid) else (0, len(grid.levels) - 1)
    if codes.numel() and not low <= int(codes.min()) <= int(codes.max()) <= high:
        raise ValueError(f"a code of {tensor_name} is not on its grid")
    return grid.decode(codes)


def restore_grid(arrays: Mapping[str, Array], name: str, description: Description) -> Grid:
    """Return the grid that `describe_grid` described, with its tensors."""
    _check_grid(description)
    members = {what: v for what, v in description.items() if what not in ("codes", "stored")}
    for what in description["stored"]:
        members[what] = torch.from_numpy(arrays[f"{what}:{name}"])
    return RESTORE[description["kind"]](members)


def _check_grid(description: Description) -> None:
    numbers = [description.get(name, 0) for name in ("bits", "low", "high", "axis", "group_size")]
    if not all(type(number) is int and abs(number) < 1 << 31 for number in numbers):
        raise ValueError("a grid is described by something else than whole numbers")
    if not 2 <= description["bits"] <= 16:
        raise ValueError(f"a grid has {description['bits']} bits")


def _linear(members: Description) -> LinearGrid:
    # Grids around zero do not store that their zero points are zero.
    zero_point = members.pop("zero_point", torch.zeros_like(members["scale"]))
    return LinearGrid(**members, zero_point=zero_point.to(torch.int64))


def _codebook(members: Description) -> TableGrid:
    return TableGrid(**members)


def _power_of_two(members: Description) -> TableGrid:
    levels = fit_power_of_two(torch.zeros(()), torch.zeros(()), members["bits"]).levels
    return TableGrid(**members, levels=levels)


RESTORE: dict[str, Callable[[Description], Grid]] = {
    "linear": _linear,
    "codebook": _codebook,
    "power_of_two": _power_of_two,
}
"""Kind of grid -> how to make one from its members as far as they are stored."""


def _grid_layout(grid: Description, name: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    for shape in grid["stored"].values():
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError(f"a grid of {name} has the shape {shape}")
    return {
        f"{what}:{name}": (PARAMETERS[what], tuple(shape)) for what, shape in grid["stored"].items()
    }


def _grid_arrays(grid: Grid) -> Iterator[tuple[str, Array]]:
    for what, parameter in grid.parameters().items():
        yield what, parameter.numpy()
