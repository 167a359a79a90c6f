"""Masks: from scores (high = keep) to what is kept, exact to one element."""

import numpy as np
import torch
from torch import Tensor

GUARD = 0.005
"""Share of every layer that global and threshold pruning leave, however small its weights are."""


def keep_by_share(score: Tensor, sparsity: float) -> Tensor:
    """
    Return a mask that drops round(sparsity * n) elements, the lowest scores first.

    A share that rounds to everything leaves one: without any weight a layer says nothing.
    """
    return drop_lowest(score, max(0, min(round(sparsity * score.numel()), score.numel() - 1)))


def drop_lowest(score: Tensor, count: int) -> Tensor:
    """
    Return a mask (True = kept) that drops exactly *count* elements.

    Ranked by score and then by index: a bare comparison with the k-th score would drop the wrong
    number under ties.
    """
    if count <= 0:
        return torch.ones_like(score, dtype=torch.bool)
    flat = score.flatten()
    # Finding one place takes a small part of the time of sorting all.
    parted = np.partition(flat.detach().cpu().numpy(), count - 1)
    border = float(parted[count - 1])
    mask = flat > border
    if (parted[count:] == border).any():
        tied = (flat == border).nonzero().squeeze(1)
        mask[tied[count - (flat.numel() - int(mask.sum()) - len(tied)) :]] = True
    return mask.reshape(score.shape)


def keep_globally(scores: dict[str, Tensor], sparsity: float) -> dict[str, Tensor]:
    """Return masks that drop round(sparsity * all) elements of all layers together, guard kept."""
    guarded = {name: torch.where(_guard(s), torch.inf, s.double()) for name, s in scores.items()}
    flat = torch.cat([s.flatten() for s in guarded.values()])
    droppable = int(torch.isfinite(flat).sum())
    kept = drop_lowest(flat, min(round(sparsity * flat.numel()), droppable))
    parts = kept.split([s.numel() for s in scores.values()])
    return {
        name: part.reshape(s.shape) for (name, s), part in zip(scores.items(), parts, strict=True)
    }


def keep_n_of_m(score: Tensor, n: int, m: int) -> Tensor:
    """
    Return a mask that keeps the n highest of each m scores along axis 1 (the inputs of a weight).

    A last group of fewer than m keeps at most n as well.
    """
    rows = score.movedim(1, -1)
    padding = -rows.shape[-1] % m
    padded = torch.nn.functional.pad(rows, (0, padding), value=-torch.inf)
    groups = padded.reshape(*padded.shape[:-1], -1, m)
    kept = torch.sort(groups, dim=-1, descending=True, stable=True).indices[..., :n]
    mask = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, kept, True)
    return mask.reshape(padded.shape)[..., : rows.shape[-1]].movedim(-1, 1)


def keep_above(score: Tensor, threshold: float) -> Tensor:
    """Return a mask that drops every score below *threshold*, guard kept."""
    return (score >= threshold) | _guard(score)


def _guard(score: Tensor) -> Tensor:
    """Return True for the share of highest scores that must stay: at least one element."""
    keep = max(1, int(GUARD * score.numel()))
    return drop_lowest(score, score.numel() - keep)
