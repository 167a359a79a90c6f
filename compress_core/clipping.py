"""
Calibration: which range of values a grid should cover.

Values come as rows (one range each) with a count for each value: weights as they are with counts
of one, activations as the bins of a histogram. Rare large values may be clipped, so that the many
small ones get finer steps.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Range = tuple[Tensor, Tensor]
MakeGrid = Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]]
"""(low, high) -> the rounding of rows of values to the grid of that range."""
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(rounded values, low, high) -> what is lost, for each row."""

PERCENTILE = 0.9995
"""Share of the values that percentile calibration covers."""
SHARES = torch.linspace(1.0, 0.2, 41)
"""Parts of the full range that mse and entropy calibration try."""


def minmax(values: Tensor, counts: Tensor, make_grid: MakeGrid) -> Range:
    """Cover everything."""
    present = counts > 0
    low = torch.where(present, values, torch.inf).amin(1)
    high = torch.where(present, values, -torch.inf).amax(1)
    return low, high


def percentile(values: Tensor, counts: Tensor, make_grid: MakeGrid) -> Range:
    """Cover the `PERCENTILE` smallest magnitudes."""
    low, high = minmax(values, counts, make_grid)
    order = values.abs().argsort(1)
    share = counts.gather(1, order).cumsum(1) / counts.sum(1, keepdim=True)
    last = (share < PERCENTILE).sum(1, keepdim=True).clamp(max=values.shape[1] - 1)
    reach = values.abs().gather(1, order.gather(1, last)).squeeze(1)
    return torch.maximum(low, -reach), torch.minimum(high, reach)


def mse(values: Tensor, counts: Tensor, make_grid: MakeGrid) -> Range:
    """Cover the range whose grid has the smallest mean square error."""

    def loss(rounded: Tensor, low: Tensor, high: Tensor) -> Tensor:
        return ((rounded - values).square() * counts).sum(1)

    return _best(values, counts, make_grid, loss)


def entropy(values: Tensor, counts: Tensor, make_grid: MakeGrid) -> Range:
    """
    Cover the range whose grid keeps most of the distribution (Kullback-Leibler; Migacz, 2017).

    *values* are sorted bins. What lies outside is counted in the last bin inside, but not by the
    grid; what shares a code is spread evenly over the occupied bins of that code.
    """

    def loss(rounded: Tensor, low: Tensor, high: Tensor) -> Tensor:
        inside = (values >= low[:, None]) & (values <= high[:, None])
        kept = torch.where(inside, counts, 0.0)
        p = kept + _outside(counts, values < low[:, None], inside, first=True)
        p = p + _outside(counts, values > high[:, None], inside, first=False)
        # Bins are sorted, so codes change where neighbours differ.
        code = (rounded[:, 1:] != rounded[:, :-1]).cumsum(1)
        code = torch.nn.functional.pad(code, (1, 0))
        mass = torch.zeros_like(kept).scatter_add_(1, code, kept)
        occupied = torch.zeros_like(kept).scatter_add_(1, code, (kept > 0).double())
        q = (mass / occupied.clamp(min=1)).gather(1, code) * (kept > 0)
        p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True).clamp(min=1e-30)
        lost: Tensor = torch.special.xlogy(p, p / q.clamp(min=1e-30)).sum(1)
        return lost

    return _best(values, counts, make_grid, loss)


def _outside(counts: Tensor, outside: Tensor, inside: Tensor, first: bool) -> Tensor:
    """Return the mass outside, placed in the first or last bin inside."""
    mass = torch.where(outside, counts, 0.0).sum(1, keepdim=True)
    position = torch.arange(counts.shape[1]).expand_as(counts)
    if first:
        edge = torch.where(inside, position, counts.shape[1] - 1).amin(1, keepdim=True)
    else:
        edge = torch.where(inside, position, 0).amax(1, keepdim=True)
    return torch.zeros_like(counts).scatter_(1, edge, mass)


CALIBRATIONS: dict[str, Callable[[Tensor, Tensor, MakeGrid], Range]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}


def _best(values: Tensor, counts: Tensor, make_grid: MakeGrid, loss: Loss) -> Range:
    low, high = minmax(values, counts, make_grid)
    best = torch.full_like(low, torch.inf)
    share = torch.ones_like(low)
    for candidate in SHARES:
        ends = low * candidate, high * candidate
        found = loss(make_grid(*ends)(values), *ends)
        share = torch.where(found < best, candidate.to(share), share)
        best = torch.minimum(best, found)
    return low * share, high * share
