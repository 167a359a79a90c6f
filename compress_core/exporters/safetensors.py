"""
Safetensors: named weights for going on in PyTorch, the recipe in the file's metadata.

A weight on a grid is kept as integer codes beside `<weight>_scale` (and `_zero_point` or
`_levels`); anything else in float32. The file holds no structure: it needs the network's code.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.duplicate import duplicate
from compress_core.exporters.target import Runner, Written
from compress_core.exporters.words import code_bits, stored
from compress_core.fit_grid import fit_power_of_two
from compress_core.grids import Grid, LinearGrid, TableGrid, as_rows, from_rows
from compress_core.quantize import insert_quantizers


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as one .safetensors file."""
    tensors = dict(compressed.graph.state_dict())
    for layer in compressed.layer_names:
        tensors |= _stored(f"{layer}.weight", compressed, layer)
    save_file({name: t.contiguous() for name, t in tensors.items()}, path, _metadata(compressed))
    return Written(
        weights=stored(compressed, lambda name: code_bits(compressed.weight_grids.get(name))),
        arithmetic="32 bit floats",
        rounds=bool(compressed.activation_grids),
        remark="The file holds weights only: the network's code is needed to use it.",
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the structure of *compressed* with everything else from the file."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    grids = json.loads(metadata["weights"])
    module = duplicate(compressed.network.module)
    module.load_state_dict(
        {
            name: _decode(name, tensors, grids[name]) if name in grids else tensors[name]
            for name in module.state_dict()
        }
    )
    activations = json.loads(metadata["activations"])
    insert_quantizers(module, {node: _activation(how) for node, how in activations.items()})
    module.recompile()

    def run(x: Tensor) -> Tensor:
        with torch.inference_mode():
            answer: Tensor = module(x)
        return answer

    return run


def _stored(name: str, compressed: Compressed, layer: str) -> dict[str, Tensor]:
    grid, weight = compressed.weight_grids.get(layer), compressed.weight(layer)
    if grid is None:
        return {name: weight}
    parameters = {f"{name}_{what}": value for what, value in grid.parameters().items()}
    if isinstance(grid, TableGrid):  # powers of two as well: a reader need not know the rule
        parameters[f"{name}_levels"] = grid.levels
    return {name: grid.encode(weight), **parameters}


def _decode(name: str, tensors: dict[str, Tensor], how: dict[str, Any]) -> Tensor:
    """Return (code - zero point) * scale or levels[code] * scale, one scale a row."""
    codes, group = tensors[name], how["group_size"]
    rows, scale = as_rows(codes, group), tensors[f"{name}_scale"]
    per_row = [-1] + [1] * (rows.dim() - 1) if scale.dim() else []
    if f"{name}_levels" in tensors:
        values = tensors[f"{name}_levels"][rows.long()]
    else:
        zero_point = tensors.get(f"{name}_zero_point", torch.zeros_like(scale))
        values = rows - zero_point.reshape(per_row).float()
    return from_rows(values * scale.reshape(per_row), codes.shape, group)


def _metadata(compressed: Compressed) -> dict[str, str]:
    network = compressed.network
    everything: dict[str, Any] = {
        "recipe": json.loads(compressed.recipe.to_json()),
        "network": network.name,
        "input_shape": network.input_shape,
        "labels": network.labels,
        "weights": {
            f"{layer}.weight": {"kind": g.kind, "bits": g.bits, "group_size": g.group_size}
            for layer, g in compressed.weight_grids.items()
        },
        "activations": {n: _numbers(g) for n, g in compressed.activation_grids.items()},
    }
    return {name: json.dumps(value) for name, value in everything.items()}


def _numbers(grid: Grid) -> dict[str, Any]:
    numbers: dict[str, Any] = {"kind": grid.kind, "bits": grid.bits, "scale": float(grid.scale)}
    if isinstance(grid, LinearGrid):
        numbers |= {"zero_point": int(grid.zero_point), "low": grid.low, "high": grid.high}
    return numbers


def _activation(how: dict[str, Any]) -> Grid:
    scale = torch.tensor(how["scale"])
    if how["kind"] != "linear":
        return fit_power_of_two(-scale, scale, how["bits"])
    return LinearGrid(
        bits=how["bits"],
        scale=scale,
        zero_point=torch.tensor(how["zero_point"]),
        low=how["low"],
        high=how["high"],
    )
