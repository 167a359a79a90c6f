"""Layers that keep their weight as integer codes and decode it on the spot, as files hold them."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from compress_core.compressed import Compressed
from compress_core.grids import Grid, LinearGrid


def coded_tables(compressed: Compressed) -> list[str]:
    """Return the embeddings that can be kept as codes of at most 8 bits."""
    return [
        name
        for name, grid in compressed.weight_grids.items()
        if isinstance(compressed.network.module.get_submodule(name), nn.Embedding)
        and (isinstance(grid, LinearGrid) and grid.bits <= 8 and grid.group_size is None)
    ]


class CodedLayer(nn.Module):
    """A layer whose weight is kept as codes and decoded on the spot."""

    def __init__(self, layer: nn.Module, grid: Grid) -> None:
        super().__init__()
        weight = layer.weight
        assert isinstance(weight, Tensor)
        self.register_buffer("codes", grid.encode(weight))
        self.grid = _for_each_output(grid, len(weight))
        self.layer = layer
        self.layer.weight = nn.Parameter(torch.empty(0), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer gives with the weight that the codes stand for."""
        weight = self.grid.decode(self.get_buffer("codes"))
        result: Tensor = functional_call(self.layer, {"weight": weight}, (x,))
        return result


class CodedTable(nn.Module):
    """An embedding whose rows are kept as codes; those that are looked up are decoded."""

    def __init__(self, layer: nn.Module, grid: Grid) -> None:
        super().__init__()
        assert isinstance(layer, nn.Embedding) and isinstance(grid, LinearGrid)
        self.register_buffer("codes", grid.encode(layer.weight))
        rows = grid.axis is not None
        self.register_buffer("scale", grid.scale.reshape(-1, 1) if rows else grid.scale)
        zero_point = grid.zero_point.float()
        self.register_buffer("zero_point", zero_point.reshape(-1, 1) if rows else zero_point)
        self.rows, self.around_zero = rows, not bool(zero_point.any())

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (*tokens*' shape x columns) floats."""
        found = F.embedding(tokens, self.get_buffer("codes")).float()
        if not self.around_zero:
            found = found - self._of(tokens, "zero_point")
        return found * self._of(tokens, "scale")

    def _of(self, tokens: Tensor, what: str) -> Tensor:
        values = self.get_buffer(what)
        return F.embedding(tokens, values) if self.rows else values


def _for_each_output(grid: Grid, outputs: int) -> Grid:
    """Repeat the one scale of a linear grid: XNNPACK takes one for each output."""
    if not isinstance(grid, LinearGrid) or grid.axis is not None:
        return grid
    scale, zero_point = (t.expand(outputs).clone() for t in (grid.scale, grid.zero_point))
    return replace(grid, scale=scale, zero_point=zero_point, axis=0)
