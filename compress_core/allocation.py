"""Allocations: how much each layer gives, when a share of all layers together is asked for."""

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor

from compress_core.masks import drop_lowest, keep_by_share, keep_globally

Scores = dict[str, Tensor]
Masks = dict[str, Tensor]


def uniform(scores: Scores, sparsity: float) -> Masks:
    """Take the same share of every layer."""
    return {name: keep_by_share(score, sparsity) for name, score in scores.items()}


def lamp(scores: Scores, sparsity: float) -> Masks:
    """Rank all layers together by score^2 over what would be left with it (Lee et al., 2021)."""
    return keep_globally({name: _lamp_score(score) for name, score in scores.items()}, sparsity)


def erk(scores: Scores, sparsity: float) -> Masks:
    """
    Keep more of small layers: density ~ sum of a weight's axes over their product.

    Erdos-Renyi-Kernel (Evci et al., 2020); layers that would have to keep more than all stay
    dense and the others make up for it.
    """
    densities = _erk_densities({name: tuple(s.shape) for name, s in scores.items()}, 1 - sparsity)
    total = round(sparsity * sum(score.numel() for score in scores.values()))
    most = {name: max(0, score.numel() - 1) for name, score in scores.items()}
    counts = {n: min(round((1 - densities[n]) * s.numel()), most[n]) for n, s in scores.items()}
    # Rounding must not change the total: the largest layers take the difference if they can.
    missing = total - sum(counts.values())
    for name in sorted(scores, key=lambda name: most[name], reverse=True):
        change = max(-counts[name], min(missing, most[name] - counts[name]))
        counts[name], missing = counts[name] + change, missing - change
    return {name: drop_lowest(score, counts[name]) for name, score in scores.items()}


ALLOCATIONS: dict[str, Callable[[Scores, float], Masks]] = {
    "uniform": uniform,
    "global": keep_globally,
    "lamp": lamp,
    "erk": erk,
}


def _lamp_score(score: Tensor) -> Tensor:
    squares, order = torch.sort(score.double().square().flatten(), stable=True)
    left = squares.flip(0).cumsum(0).flip(0)
    result = torch.empty_like(squares)
    result[order] = squares / left.clamp(min=torch.finfo(torch.float64).tiny)
    return result.reshape(score.shape)


def _erk_densities(shapes: dict[str, tuple[int, ...]], density: float) -> dict[str, float]:
    raw = {name: sum(shape) / prod(shape) for name, shape in shapes.items()}
    dense: set[str] = set()
    while True:
        budget = density * sum(map(prod, shapes.values())) - sum(prod(shapes[n]) for n in dense)
        weight = sum(raw[n] * prod(shapes[n]) for n in shapes if n not in dense)
        factor = budget / weight if weight else 0.0
        full = {n for n in shapes if n not in dense and factor * raw[n] > 1}
        if not full:
            return {n: 1.0 if n in dense else max(factor * raw[n], 0.0) for n in shapes}
        dense |= full
