"""Criteria: what each single weight is worth, by its size or by what data make of it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from compress_core.calibrate import input_norms
from compress_core.data import Part
from compress_core.duplicate import duplicate
from compress_core.network import layer_weight

BATCHES, BATCH_SIZE = 8, 64
"""Training samples that gradients are averaged over."""

Scores = dict[str, Tensor]
Criterion = Callable[[fx.GraphModule, list[str], Any, int], Scores]
"""(network, layers, training part or None, seed) -> the score of each weight, high = keep."""


def magnitude(module: fx.GraphModule, names: list[str]) -> Scores:
    """Return |w| (Han et al., 2015)."""
    return {name: layer_weight(module, name).abs() for name in names}


def random(module: fx.GraphModule, names: list[str], seed: int) -> Scores:
    """Return random scores: what any criterion has to beat."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(layer_weight(module, name).shape, generator=generator) for name in names
    }


def taylor(module: fx.GraphModule, names: list[str], part: Part) -> Scores:
    """Return |gradient x weight|, how much the loss would change (Molchanov et al., 2019)."""
    trained = duplicate(module).requires_grad_(True)
    weights = [layer_weight(trained, name) for name in names]
    totals = [torch.zeros_like(weight) for weight in weights]
    with torch.enable_grad():
        for x, y in part.head(BATCHES * BATCH_SIZE).batches(BATCH_SIZE):
            gradients = torch.autograd.grad(F.cross_entropy(trained(x), y), weights)
            for total, gradient in zip(totals, gradients, strict=True):
                total += gradient
    return {
        name: (total * weight.detach()).abs()
        for name, total, weight in zip(names, totals, weights, strict=True)
    }


def wanda(module: fx.GraphModule, names: list[str], part: Part) -> Scores:
    """Return |w| times the norm of the input it is multiplied with (Sun et al., 2024)."""
    norms = input_norms(module, part, names)
    scores = {}
    for name in names:
        weight = layer_weight(module, name)
        words = isinstance(module.get_submodule(name), nn.Embedding)
        shape = [-1, 1] if words else [1, -1] + [1] * (weight.dim() - 2)
        scores[name] = weight.abs() * norms[name].reshape(shape)
    return scores


NEEDS_DATA = frozenset({"taylor", "wanda"})
CRITERIA: dict[str, Criterion] = {
    "l2": lambda module, names, part, seed: magnitude(module, names),
    "l1": lambda module, names, part, seed: magnitude(module, names),
    "random": lambda module, names, part, seed: random(module, names, seed),
    "taylor": lambda module, names, part, seed: taylor(module, names, part),
    "wanda": lambda module, names, part, seed: wanda(module, names, part),
}


def group_score(score: Tensor, criterion: str, first_axis: int) -> Tensor:
    """Return one score for each group of weights: axes from *first_axis* on are one group."""
    if score.dim() == first_axis:
        return score
    flat = score.flatten(first_axis)
    # l2 is a root mean square and l1 a mean, so that a threshold means the same for every shape.
    return flat.square().mean(-1).sqrt() if criterion == "l2" else flat.mean(-1)
