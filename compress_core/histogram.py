"""
Weights as a few numbers to draw: how many lie in each bin, kept and gone.

Knows tensors, not networks; a page gets a hundred bins instead of a million weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

BINS = 101
"""Odd, so that one bin is centred on zero."""
SHOWN = 0.999
"""Share of the weights that the range is cut to; the outermost bins hold those beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightHistogram:
    """
    Counts of weights in bins of equal width, symmetric about zero.

    *original* counts the untouched weights; *kept* those that are left, before rounding, and
    *gone* those that a mask drops or that went with a channel. (Where batch norms are folded into
    the weights, these are no longer the original ones, and *gone* is what a mask drops alone.)
    """

    edges: tuple[float, ...]
    original: tuple[int, ...]
    kept: tuple[int, ...]
    gone: tuple[int, ...]
    cut: float | None
    """Largest |w| that is gone, where all that is kept is at least as large; else None."""
    largest: float
    """Largest |w| that is kept; 0 where none is."""
    energy: float
    """Fraction of the sum of squares that a mask drops."""

    @property
    def removed(self) -> float:
        """Fraction of the original weights that is gone, by mask or with its channel."""
        return 1 - sum(self.kept) / sum(self.original)

    @property
    def folded(self) -> bool:
        """Whether some weights are not the original ones, for batch norms are folded into them."""
        counts = zip(self.original, self.kept, self.gone, strict=True)
        return any(kept + gone > original for original, kept, gone in counts)


def weight_histogram(
    original: Sequence[Tensor],
    weights: Sequence[Tensor],
    masks: Sequence[Tensor | None],
    bins: int = BINS,
) -> WeightHistogram:
    """Bin the weights of one or several layers; a mask is True where a weight is kept."""
    before = torch.cat([w.flatten() for w in original])
    after = torch.cat([w.flatten() for w in weights])
    mask = torch.cat(
        [
            torch.ones(w.numel(), dtype=torch.bool) if m is None else m.flatten()
            for w, m in zip(weights, masks, strict=True)
        ]
    )
    kept, gone = after[mask], after[~mask]
    bound = max(_bound(before), _bound(after))
    counts = [_counts(values, bound, bins) for values in (before, kept, gone)]
    power = float(after.double().square().sum())
    return WeightHistogram(
        edges=tuple(bound * place / bins for place in range(-bins, bins + 1, 2)),
        original=counts[0],
        kept=counts[1],
        gone=_with_channels(*counts),
        cut=_cut(kept.abs(), gone.abs()),
        largest=float(kept.abs().max()) if len(kept) else 0.0,
        energy=float(gone.double().square().sum()) / power if power else 0.0,
    )


def _bound(values: Tensor) -> float:
    """Return the |w| that SHOWN of the values do not exceed; 1 where all are zero."""
    if not values.numel():
        return 1e-12
    rank = max(1, round(SHOWN * values.numel()))
    return (
        float(np.partition(values.abs().numpy(), rank - 1)[rank - 1])
        or float(values.abs().max())
        or 1.0
    )


def _counts(values: Tensor, bound: float, bins: int) -> tuple[int, ...]:
    places = ((values.double() / bound + 1) / 2 * bins).long().clamp(0, bins - 1)
    return tuple(torch.bincount(places, minlength=bins).tolist())


def _with_channels(
    original: tuple[int, ...], kept: tuple[int, ...], gone: tuple[int, ...]
) -> tuple[int, ...]:
    """Count weights of removed channels as gone, if all that is left was there from the start."""
    missing = [before - after for before, after in zip(original, kept, strict=True)]
    same = all(masked <= lost for masked, lost in zip(gone, missing, strict=True))
    return tuple(missing) if same else gone


def _cut(kept: Tensor, gone: Tensor) -> float | None:
    if not len(gone):
        return None
    highest = float(gone.max())
    return highest if not len(kept) or float(kept.min()) >= highest else None
