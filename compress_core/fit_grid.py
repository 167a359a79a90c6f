"""From the values that have to be held to the grid that holds them."""

from typing import Literal

import torch
from torch import Tensor

from compress_core.grids import LinearGrid, TableGrid, as_rows

Scheme = Literal["symmetric", "affine"]
KMEANS_ROUNDS = 25
KMEANS_POINTS = 200_000
"""More values than this are thinned out evenly, in order of size, before k-means."""


def fit_linear(
    low: Tensor,
    high: Tensor,
    bits: int,
    scheme: Scheme,
    axis: int | None = None,
    group_size: int | None = None,
) -> LinearGrid:
    """
    Return the grid whose ends cover *low* to *high*, zero always on it.

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
        bits=bits,
        scale=scale,
        zero_point=zero_point,
        low=first,
        high=half - 1,
        axis=axis,
        group_size=group_size,
    )


def fit_power_of_two(
    low: Tensor,
    high: Tensor,
    bits: int,
    axis: int | None = None,
    group_size: int | None = None,
) -> TableGrid:
    """
    Return 0 and +-2^-i: multiplying becomes shifting (Miyashita et al., 2016).

    The scale is itself a power of two, the smallest that covers the range.
    """
    powers = 2.0 ** -torch.arange(2 ** (bits - 1) - 1, dtype=torch.float64)
    # Beyond 2^-60 a float32 product would vanish anyway; equal levels would make codes ambiguous.
    powers = powers[powers >= 2.0**-60].float()
    levels = torch.cat([-powers, torch.zeros(1), powers.flip(0)])
    largest = _positive(torch.maximum(-low.float(), high.float()))
    scale = torch.exp2(torch.ceil(torch.log2(largest)))
    return TableGrid(
        kind="power_of_two",
        bits=bits,
        levels=levels,
        scale=scale,
        axis=axis,
        group_size=group_size,
    )


def fit_codebook(
    values: Tensor, bits: int, axis: int | None = None, group_size: int | None = None
) -> TableGrid:
    """
    Return the 2 ** bits values nearest to *values* on average, zero among them (k-means, Lloyd).

    Rows (outputs or groups) share the codebook, each scaled by its largest magnitude, as a table
    for each row would cost more than it saves (Han et al., 2016).
    """
    rows = values if axis is None else as_rows(values, group_size)
    peaks = rows.abs().max() if axis is None else rows.abs().flatten(1).amax(1)
    scale = _positive(peaks)
    scaled = rows / scale.reshape([-1] + [1] * (rows.dim() - 1) if axis is not None else [])
    return TableGrid(
        kind="codebook",
        bits=bits,
        levels=_kmeans(scaled.flatten(), 2**bits),
        scale=scale,
        axis=axis,
        group_size=group_size,
    )


def _kmeans(values: Tensor, count: int) -> Tensor:
    """Return at most *count* sorted centres, one of them exactly zero."""
    points = values[values != 0].double().sort().values
    if len(points) > KMEANS_POINTS:
        points = points[torch.linspace(0, len(points) - 1, KMEANS_POINTS).long()]
    if len(points) == 0:
        return torch.zeros(1)
    distinct = torch.unique(points)
    start = torch.linspace(0, len(distinct) - 1, min(count - 1, len(distinct))).round().long()
    centres = torch.unique(torch.cat([distinct[start], torch.zeros(1, dtype=torch.float64)]))
    for _ in range(KMEANS_ROUNDS):
        codes = torch.bucketize(points, (centres[1:] + centres[:-1]) / 2)
        sums = torch.zeros_like(centres).index_add_(0, codes, points)
        counts = torch.bincount(codes, minlength=len(centres))
        # Zero is pinned, for what was pruned; a centre without points stays where it is.
        moves = (counts > 0) & (centres != 0)
        centres = torch.where(moves, sums / counts.clamp(min=1), centres)
    levels: Tensor = torch.unique(centres.float())
    return levels


def _positive(scale: Tensor) -> Tensor:
    """Replace the scale of an all-zero range, which any step size represents."""
    # Below the smallest normal number 1 / scale is infinite, and zero would not stay zero.
    return torch.where(scale > torch.finfo(scale.dtype).tiny, scale, torch.ones_like(scale))
