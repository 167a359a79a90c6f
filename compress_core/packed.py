"""What a compressed network stores: codes and scales, or kept values and a mask, as arrays."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from compress_core.codec import Array
from compress_core.compress import Compressed
from compress_core.grids import Grid


def stored_arrays(compressed: Compressed) -> dict[str, Array]:
    """Return everything that the network's values are computed from, named `<what>:<tensor>`."""
    arrays: dict[str, Array] = {}
    weights = {f"{name}.weight": name for name in compressed.layer_names}
    for tensor_name, value in compressed.network.module.state_dict().items():
        layer = weights.get(tensor_name)
        if layer is None:
            arrays[f"values:{tensor_name}"] = value.numpy()
        else:
            for what, array in layer_arrays(compressed, layer):
                arrays[f"{what}:{tensor_name}"] = array
    for node, grid in compressed.activation_grids.items():
        for what, array in _grid_arrays(grid):
            arrays[f"{what}:{node}"] = array
    return arrays


def layer_arrays(compressed: Compressed, name: str) -> Iterator[tuple[str, Array]]:
    """Yield what the weight of one layer is stored as."""
    grid, mask = compressed.weight_grids.get(name), compressed.masks.get(name)
    weight = compressed.weight(name)
    if grid is not None:
        yield "codes", grid.encode(weight).numpy()
        yield from _grid_arrays(grid)
    elif mask is not None:
        yield "mask", np.packbits(mask.numpy())
        yield "values", weight[mask].numpy()
    else:
        yield "values", weight.numpy()


def restore_weight(
    arrays: Mapping[str, Array], name: str, like: Tensor, grid: Grid | None
) -> Tensor:
    """Return a layer's weight from what was stored for it; *like* gives the shape."""
    tensor_name = f"{name}.weight"
    if grid is not None:
        return grid.decode(torch.from_numpy(arrays[f"codes:{tensor_name}"]))
    values = torch.from_numpy(arrays[f"values:{tensor_name}"])
    if f"mask:{tensor_name}" not in arrays:
        return values
    bits = np.unpackbits(arrays[f"mask:{tensor_name}"], count=like.numel()).astype(bool)
    weight = torch.zeros(like.numel())
    weight[torch.from_numpy(bits)] = values
    return weight.reshape(like.shape)


def _grid_arrays(grid: Grid) -> Iterator[tuple[str, Array]]:
    for what, parameter in grid.parameters().items():
        yield what, parameter.numpy()
