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

Scheme = Literal["symmetric", "affine"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LinearGrid:
    """
    Evenly spaced values: x = (code - zero_point) * scale, codes from *low* to *high*.

    *scale* (float32) and *zero_point* (int64) have one value, or one for each index of *axis*.
    """

    kind: Literal["linear"] = "linear"
    bits: int
    scale: Tensor
    zero_point: Tensor
    low: int
    high: int
    axis: int | None = None

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
        codes = torch.ops.quantized_decomposed.quantize_per_channel(
            values, self.scale, self.zero_point, self.axis, *span
        )
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Return the values that the codes stand for, in float32."""
        span = (self.low, self.high, self.dtype)
        if self.axis is None:
            values: Tensor = torch.ops.quantized_decomposed.dequantize_per_tensor.tensor(
                codes, self.scale, self.zero_point, *span
            )
            return values
        values = torch.ops.quantized_decomposed.dequantize_per_channel(
            codes, self.scale, self.zero_point, self.axis, *span
        )
        return values

    def inside(self, values: Tensor) -> Tensor:
        """Return where values lie within the range of the grid (boolean, same shape)."""
        scale, zero_point = (
            self._broadcast(self.scale, values),
            self._broadcast(self.zero_point, values),
        )
        return (values >= (self.low - zero_point) * scale) & (
            values <= (self.high - zero_point) * scale
        )

    def values(self) -> Tensor:
        """Return every value of a per-tensor grid, or of each row: rows x number of codes."""
        codes = torch.arange(self.low, self.high + 1)
        return (codes - self.zero_point.reshape(-1, 1)) * self.scale.reshape(-1, 1)

    def to(self, device: str) -> "LinearGrid":
        """Return the grid with its tensors on *device*."""
        return replace(self, scale=self.scale.to(device), zero_point=self.zero_point.to(device))

    def _broadcast(self, parameter: Tensor, values: Tensor) -> Tensor:
        if self.axis is None:
            return parameter
        shape = [1] * values.dim()
        shape[self.axis] = -1
        return parameter.reshape(shape)


def fit_grid(
    low: Tensor, high: Tensor, bits: int, scheme: Scheme, axis: int | None = None
) -> LinearGrid:
    """
    Return the grid whose ends cover *low* to *high* (min-max calibration), zero always on it.

    Symmetric grids use 2 ** bits - 1 codes, the same number on both sides, as the int8 kernels of
    the runtimes want; affine ones use all 2 ** bits (Jacob et al., 2018).
    """
    half = 2 ** (bits - 1)
    low, high = torch.clamp(low.float(), max=0.0), torch.clamp(high.float(), min=0.0)
    if scheme == "symmetric":
        scale = _positive(torch.maximum(-low, high) / (half - 1))
        zero_point = torch.zeros_like(scale, dtype=torch.int64)
        first = -(half - 1)
    else:
        scale = _positive((high - low) / (2 * half - 1))
        first = -half
        zero_point = torch.clamp(first - torch.round(low / scale), first, half - 1).to(torch.int64)
    return LinearGrid(
        bits=bits, scale=scale, zero_point=zero_point, low=first, high=half - 1, axis=axis
    )


def fake_quantize(values: Tensor, grid: LinearGrid) -> Tensor:
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
    def forward(ctx: Any, values: Tensor, grid: LinearGrid) -> Tensor:
        ctx.save_for_backward(grid.inside(values))
        return grid.decode(grid.encode(values))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None


def _positive(scale: Tensor) -> Tensor:
    """Replace the scale of an all-zero range, which any step size represents."""
    return torch.where(scale > 0, scale, torch.ones_like(scale))
