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
    # Empty bins only matter where what lies outside is counted: a row of few values is short.
    row, column = (counts > 0).nonzero(as_tuple=True)
    filled = (counts > 0).sum(1)
    width = int(filled.amax())
    rank = torch.arange(len(row)) - (filled.cumsum(0) - filled)[row]
    here = torch.full((len(counts), width), -1).index_put((row, rank), column)
    some, amounts = (each.gather(1, here.clamp(min=0)) for each in (values, counts))
    amounts = torch.where(here >= 0, amounts, 0.0)

    def loss(rounded: Tensor, low: Tensor, high: Tensor) -> Tensor:
        low, high = low[:, None], high[:, None]
        kept = torch.where((some >= low) & (some <= high), amounts, 0.0)
        # Bins are sorted, so codes change where neighbours differ.
        code = (rounded[:, 1:] != rounded[:, :-1]).cumsum(1)
        code = torch.nn.functional.pad(code, (1, 0))
        mass = torch.zeros_like(kept).scatter_add_(1, code, kept)
        occupied = torch.zeros_like(kept).scatter_add_(1, code, (kept > 0).double())
        q = (mass / occupied.clamp(min=1)).gather(1, code) * (kept > 0)
        p, q = (torch.nn.functional.pad(each, (0, 2)) for each in (kept, q))
        for outside, place in zip((some < low, some > high), ends(low, high), strict=True):
            p.scatter_add_(1, place, torch.where(outside, amounts, 0.0).sum(1, keepdim=True))
        p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True).clamp(min=1e-30)
        lost: Tensor = torch.special.xlogy(p, p / q.clamp(min=1e-30)).sum(1)
        return lost

    def ends(low: Tensor, high: Tensor) -> list[Tensor]:
        """Return the columns of the first and the last bin inside; of empty ones, behind all."""
        first, last = torch.searchsorted(values, low), torch.searchsorted(values, high, right=True)
        none = first >= last
        first, last = first.masked_fill(none, values.shape[1] - 1), (last - 1).masked_fill(none, 0)
        behind = (torch.full_like(first, width), torch.where(first == last, width, width + 1))
        return [
            torch.where(counts.gather(1, end) > 0, (here == end).byte().argmax(1, True), empty)
            for end, empty in zip((first, last), behind, strict=True)
        ]

    return _best(some, amounts, make_grid, loss)


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
