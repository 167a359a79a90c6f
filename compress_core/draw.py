"""Random recipes of the kind that people try: what an estimate is calibrated and judged on."""

import glob
import random
from collections.abc import Iterator, Sequence

import torch

from compress_core.network import Network, layer_weight
from compress_core.recipe import Prune, Quantize, Recipe, Step

WEIGHT_BITS = (None, 8, 7, 6, 6, 5, 5, 4, 4, 4, 3, 3, 2)
ACTIVATION_BITS = (None, None, 8, 8, 7, 6, 6, 5, 5, 4, 4, 3, 2)
ALLOCATIONS = ("uniform", "uniform", "global", "global", "lamp", "erk")
"""What is named more often is drawn more often."""


def draw_recipes(network: Network, count: int, seed: int) -> tuple[Recipe, ...]:
    """
    Return *count* recipes for the layers of *network*; equal seeds give equal recipes.

    Weights pruned by share (four allocations) or by threshold, weights and activations rounded to
    2 to 8 bits or not, and for every third recipe one to three layers that differ.
    """
    generator = random.Random(seed)
    names = [layer.name for layer in network.layers]
    spread = _typical_weight(network)
    return tuple(_draw(generator, names, spread) for _ in range(count))


def _draw(generator: random.Random, names: Sequence[str], spread: float) -> Recipe:
    steps: list[Step] = []
    while not steps:
        own = generator.sample(names, min(len(names), generator.randint(1, 3)))
        own = own if generator.random() < 1 / 3 else []
        steps = [*_pruning(generator, own, spread), *_rounding(generator, own)]
    return Recipe(steps=tuple(steps))


def _pruning(generator: random.Random, own: Sequence[str], spread: float) -> Iterator[Step]:
    way = generator.random()
    if way < 0.15:
        yield Prune(threshold=round(spread * generator.uniform(0.1, 1.5), 4))
    elif way < 0.8:
        allocation = generator.choice(ALLOCATIONS)
        yield Prune(sparsity=_share(generator), allocation=allocation)  # type: ignore[arg-type]
    for name in own:
        if generator.random() < 0.6:
            yield Prune(sparsity=_share(generator), layers=glob.escape(name))


def _rounding(generator: random.Random, own: Sequence[str]) -> Iterator[Step]:
    weights, activations = generator.choice(WEIGHT_BITS), generator.choice(ACTIVATION_BITS)
    if weights or activations:
        yield Quantize(weight_bits=weights, activation_bits=activations)
    for name in own:
        if weights and generator.random() < 0.6:
            yield Quantize(weight_bits=generator.randint(2, 8), layers=glob.escape(name))


def _share(generator: random.Random) -> float:
    """Return a fraction; large ones, where the harm begins, are as likely as small ones."""
    return round(1 - float(generator.uniform(0.03, 0.95) ** 1.5), 3)


def _typical_weight(network: Network) -> float:
    """Return the root mean square of all weights."""
    weights = [layer_weight(network.module, layer.name) for layer in network.layers]
    values = torch.cat([weight.flatten() for weight in weights])
    typical: float = values.square().mean().sqrt().item()
    return typical
