"""
Grids after a PReLU: chosen so that every runtime rounds what it gives to the same code.

A runtime multiplies a code of the input by its scale and by a slope in float32, and divides by the
scale of the output, or multiplies by one over it: the last bit differs. That shows where a product
lies in the middle between two codes. There are at most 256 codes for each slope, so all products
can be looked at, and the scale of the output grows by a hair until none lies there.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor, fx, nn

from compress_core.grids import LinearGrid
from compress_core.network import layer_calls

LAST_BITS = 2.0**-21
"""Relative error of a few operations in float32, one after another."""
HAIR = 1 + 2.0**-12
TRIES = 100


def clear_of_middles(
    module: fx.GraphModule, grids: Mapping[str, LinearGrid], fixed: Collection[str]
) -> Iterator[tuple[str, LinearGrid]]:
    """Yield (node, grid) for every PReLU of *module* whose grid is not *fixed* by others."""
    for node, leaf in layer_calls(module):
        if isinstance(leaf, nn.PReLU) and node.name in grids and node.name not in fixed:
            source = grids.get(node.all_input_nodes[0].name)
            if source is not None:
                yield node.name, _cleared(grids[node.name], _products(leaf, source))


def _products(leaf: nn.PReLU, grid: LinearGrid) -> Tensor:
    """Return every value that the PReLU may give (float64)."""
    values = (torch.arange(grid.low, grid.high + 1) - int(grid.zero_point)) * grid.scale.flatten()
    negative = values[values < 0, None] * leaf.weight.detach()
    return torch.cat([values[values > 0], negative.flatten()]).double()


def _cleared(grid: LinearGrid, products: Tensor) -> LinearGrid:
    """Return the grid, its scale a little larger if need be; as it was where nothing helps."""
    scale = grid.scale
    for _ in range(TRIES):
        steps = products / scale.double()
        middle = ((steps - steps.floor()) - 0.5).abs()
        if bool((middle > LAST_BITS * steps.abs()).all()):
            return replace(grid, scale=scale)
        scale = scale * HAIR
    return grid
