"""
Grids: the values that a number of bits can hold, and the way there and back.

The law of a grid: `decode(encode(x))` is the value of the grid nearest to x, and encoding that
again gives the same codes. It is the one quantizer of the project: preview, training and files.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

# Registers torch.ops.quantized_decomposed, the operators that runtimes recognise and fuse.
import torch.ao.quantization.fx._decomposed
from torch import Tensor


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LinearGrid:
    """
    Evenly spaced values: x = (code - zero_point) * scale, codes from *low* to *high*.

    *scale* (float32) and *zero_point* (int64) have one value (axis None), one for each output
    (axis 0), or one for each *group_size* consecutive weights of an output (axis 0 as well).
    """

    kind: Literal["linear"] = "linear"
    bits: int
    scale: Tensor
    zero_point: Tensor
    low: int
    high: int
    axis: int | None = None
    group_size: int | None = None

    @property
    def dtype(self) -> torch.dtype:
        """The integer type that codes are kept in."""
        return torch.int8 if self.bits <= 8 else torch.int16

    def encode(self, values: Tensor) -> Tensor:
        """Return the codes of the nearest values of the grid, same shape."""
        span = (self.low, self.high, self.dtype)
        if self.axis is None:
            codes: Tensor = torch.ops.quantized_decomposed.quantize_per_tensor.tensor(
                values, self.scale, self.zero_point, *span
            )
            return codes
        rows = as_rows(values, self.group_size)
        codes = torch.ops.quantized_decomposed.quantize_per_channel(
            rows, self.scale, self.zero_point, self.axis, *span
        )
        return from_rows(codes, values.shape, self.group_size)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the values that the codes stand for, in float32."""
        span = (self.low, self.high, self.dtype)
        if self.axis is None:
            values: Tensor = torch.ops.quantized_decomposed.dequantize_per_tensor.tensor(
                codes, self.scale, self.zero_point, *span
            )
            return values
        rows = as_rows(codes, self.group_size)
        values = torch.ops.quantized_decomposed.dequantize_per_channel(
            rows, self.scale, self.zero_point, self.axis, *span
        )
        return from_rows(values, codes.shape, self.group_size)

    def inside(self, values: Tensor) -> Tensor:
        """
        Return where values are rounded and not clipped (boolean, same shape).

        Half a step beyond the ends counts as inside, as in torch: the largest weight, which the
        grid was made for, may lie a hair beyond its own end.
        """
        return self._within(values, 0.5)

    def between(self, values: Tensor) -> Tensor:
        """Return where values lie between the ends of the grid (boolean, same shape)."""
        return self._within(values, 0.0)

    def _within(self, values: Tensor, margin: float) -> Tensor:
        """Return where values lie no more than *margin* steps outside."""
        rows = values if self.axis is None else as_rows(values, self.group_size)
        shape = [-1] + [1] * (rows.dim() - 1) if self.axis is not None else []
        steps = rows * (1.0 / self.scale.reshape(shape)) + self.zero_point.reshape(shape)
        within = (steps >= self.low - margin) & (steps <= self.high + margin)
        return from_rows(within, values.shape, self.group_size)

    def values(self) -> Tensor:
        """Return every value of the grid: rows (one for each scale) x number of codes."""
        codes = torch.arange(self.low, self.high + 1)
        return (codes - self.zero_point.reshape(-1, 1)) * self.scale.reshape(-1, 1)

    def parameters(self) -> dict[str, Tensor]:
        """Return what has to be stored beside the codes; zero points only where they vary."""
        stored = {"scale": self.scale}
        if self.low != -self.high:
            stored["zero_point"] = self.zero_point.to(torch.int16)
        return stored

    def to(self, device: str) -> "LinearGrid":
        """Return the grid with its tensors on *device*."""
        return replace(self, scale=self.scale.to(device), zero_point=self.zero_point.to(device))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TableGrid:
    """
    Any values: x = levels[code] * scale, codes from 0 on; *levels* are sorted and contain zero.

    A codebook's levels come from k-means, a power-of-two grid's are 0 and +-2^-i.
    """

    kind: Literal["codebook", "power_of_two"]
    bits: int
    levels: Tensor
    """float32, at most 2 ** bits of them."""
    scale: Tensor
    """float32, one value, or one for each output or group as in `LinearGrid`."""
    axis: int | None = None
    group_size: int | None = None

    @property
    def dtype(self) -> torch.dtype:
        """The integer type that codes are kept in."""
        return torch.int8 if self.bits < 8 else torch.int16

    def encode(self, values: Tensor) -> Tensor:
        """Return the codes of the nearest values of the grid, same shape."""
        rows = self._scaled(values)
        middles = (self.levels[1:] + self.levels[:-1]) / 2
        codes = torch.bucketize(rows.contiguous(), middles).to(self.dtype)
        return from_rows(codes, values.shape, self.group_size)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the values that the codes stand for, in float32."""
        if self.axis is None:
            return self.levels[codes.long()] * self.scale
        rows = self.levels[as_rows(codes, self.group_size).long()]
        rows = rows * self.scale.reshape([-1] + [1] * (rows.dim() - 1))
        return from_rows(rows, codes.shape, self.group_size)

    def inside(self, values: Tensor) -> Tensor:
        """
        Return where values lie within the range that the grid was made for (boolean, same shape).

        It is wider than the levels: the outermost are means of values on both sides of them.
        """
        within = self._scaled(values).abs() <= 1
        return from_rows(within, values.shape, self.group_size)

    def values(self) -> Tensor:
        """Return every value of the grid: rows (one for each scale) x number of codes."""
        return self.scale.reshape(-1, 1) * self.levels

    def parameters(self) -> dict[str, Tensor]:
        """Return what has to be stored beside the codes; powers of two need no table."""
        return {"scale": self.scale} | ({"levels": self.levels} if self.kind == "codebook" else {})

    def to(self, device: str) -> "TableGrid":
        """Return the grid with its tensors on *device*."""
        return replace(self, scale=self.scale.to(device), levels=self.levels.to(device))

    def _scaled(self, values: Tensor) -> Tensor:
        if self.axis is None:
            return values / self.scale
        rows = as_rows(values, self.group_size)
        return rows / self.scale.reshape([-1] + [1] * (rows.dim() - 1))


Grid = LinearGrid | TableGrid


def has_many_zeros(grid: Grid) -> bool:
    """Tell whether the code of zero may differ from row to row."""
    return isinstance(grid, LinearGrid) and grid.axis is not None and bool(grid.zero_point.any())


def from_zero(grid: Grid, codes: Tensor) -> Tensor:
    """Return codes (int32) as they are counted from the zero of their row, which files know."""
    if isinstance(grid, LinearGrid) and not grid.zero_point.any():
        return codes.int()
    return codes.int() - grid.encode(torch.zeros(codes.shape)).int()


def as_rows(values: Tensor, group_size: int | None) -> Tensor:
    """Return *values* with one scale a row: as they are, or cut into groups (zeros fill up)."""
    if group_size is None:
        return values
    flat = values.flatten(1)
    padded = torch.nn.functional.pad(flat, (0, -flat.shape[1] % group_size))
    return padded.reshape(-1, group_size)


def from_rows(rows: Tensor, shape: torch.Size, group_size: int | None) -> Tensor:
    """Undo `as_rows`."""
    if group_size is None:
        return rows
    width = shape[1:].numel()
    return rows.reshape(shape[0], -1)[:, :width].reshape(shape)


def fake_quantize(values: Tensor, grid: Grid) -> Tensor:
    """
    Round *values* to the grid, in float32 whatever autocast says.

    Gradients pass as if nothing had been rounded, and stop where values were clipped
    (straight-through estimator; Bengio et al., 2013).
    """
    values = values.float()
    if torch.is_grad_enabled() and values.requires_grad:
        passed: Tensor = _StraightThrough.apply(values, grid)
        return passed
    return grid.decode(grid.encode(values))


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, grid: Grid) -> Tensor:
        ctx.save_for_backward(grid.inside(values))
        return grid.decode(grid.encode(values))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None
