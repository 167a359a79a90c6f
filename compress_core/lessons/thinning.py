"""How much goes when small weights go: share, size and energy are three views of one line."""

from dataclasses import dataclass

import torch
from torch import Tensor

from compress_core.masks import keep_by_share

BINS = 60
SHOWN = 0.998
"""Share of the weights that the picture shows; the last bin holds those beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinned:
    """A weight without its smallest values, and |w| in bins of equal width from 0 on."""

    edges: tuple[float, ...]
    kept: tuple[int, ...]
    gone: tuple[int, ...]
    cut: float
    """Largest |w| that is gone; 0 where nothing is."""
    share: float
    energy: float
    """Fraction of the sum of squares that is left."""


def thinned(weight: Tensor, sparsity: float) -> Thinned:
    """Return what is left of *weight* without the *sparsity* smallest values (Han et al., 2015)."""
    size = weight.flatten().abs()
    mask = keep_by_share(size, sparsity)
    kept, gone = size[mask], size[~mask]
    bound = float(size.kthvalue(round(SHOWN * len(size))).values)
    power = size.double().square()
    return Thinned(
        edges=tuple(bound * place / BINS for place in range(BINS + 1)),
        kept=_counts(kept, bound),
        gone=_counts(gone, bound),
        cut=float(gone.max()) if len(gone) else 0.0,
        share=len(gone) / len(size),
        energy=float(power[mask].sum() / power.sum()),
    )


def _counts(values: Tensor, bound: float) -> tuple[int, ...]:
    places = (values.double() / bound * BINS).long().clamp(0, BINS - 1)
    return tuple(torch.bincount(places, minlength=BINS).tolist())
