"""Learned step size (LSQ): the scale of a grid is trained along with the weights."""

from dataclasses import replace
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from compress_core.grids import LinearGrid, as_rows


class LearnedStep(nn.Module):
    """
    Rounds to a linear grid whose scale has a gradient (Esser et al., 2020).

    The logarithm of the scale is the parameter: steps are then relative, and it stays positive.
    """

    def __init__(self, grid: LinearGrid) -> None:
        super().__init__()
        self.start = grid
        self.log_scale = nn.Parameter(grid.scale.log())

    @property
    def grid(self) -> LinearGrid:
        """The grid with the scale as it is now."""
        start = self.start.to(str(self.log_scale.device))
        return replace(start, scale=self.log_scale.detach().exp())

    def forward(self, values: Tensor) -> Tensor:
        """Return *values* on the grid, same shape, float32."""
        rounded: Tensor = _Round.apply(values.float(), self.log_scale.exp(), self.grid)
        return rounded


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: Tensor, grid: LinearGrid) -> Tensor:
        rounded = grid.decode(grid.encode(values))
        ctx.grid = grid
        ctx.save_for_backward(values, rounded)
        return rounded

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        values, rounded = ctx.saved_tensors
        grid: LinearGrid = ctx.grid
        # d rounded / d scale: the code itself beyond the ends, else the rounding error in steps.
        steps = gradient * torch.where(grid.between(values), rounded - values, rounded)
        if grid.axis is None:
            by_scale = (steps.sum() / grid.scale).reshape(grid.scale.shape)
        else:
            rows = as_rows(steps, grid.group_size)
            by_scale = rows.flatten(1).sum(1) / grid.scale
        weights_per_scale = values.numel() / grid.scale.numel()
        return gradient * grid.inside(values), by_scale / sqrt(weights_per_scale * grid.high), None
