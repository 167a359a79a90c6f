"""Compressed networks that the tests of exports share, made once in a process."""

from functools import lru_cache

import torch
from torch import Tensor

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.recipe import Factorize, Prune, Quantize, Recipe, Step
from compress_core.scenarios import load_scenario

STEPS: dict[str, tuple[Step, ...]] = {
    "nothing": (),
    "zeros": (Prune(sparsity=0.8),),
    "w8a8": (Quantize(weight_bits=8, activation_bits=8),),
    "channels w8a8": (
        Prune(sparsity=0.4, granularity="channel"),
        Quantize(weight_bits=8, activation_bits=8),
    ),
    "zeros w4a8": (Prune(sparsity=0.5), Quantize(weight_bits=4, activation_bits=8)),
    "w4a4": (Quantize(weight_bits=4, activation_bits=4),),
    "w5a6": (Quantize(weight_bits=5, activation_bits=6),),
    "w12a12": (Quantize(weight_bits=12, activation_bits=12),),
    "w8": (Quantize(weight_bits=8),),
    "w4": (Quantize(weight_bits=4),),
    "w8a8 per tensor": (Quantize(weight_bits=8, activation_bits=8, granularity="per_tensor"),),
    "w8a8 affine": (Quantize(weight_bits=8, activation_bits=8, scheme="affine"),),
    "w4 groups": (Quantize(weight_bits=4, granularity="per_group", group_size=32),),
    "w4a8 codebook": (Quantize(weight_bits=4, activation_bits=8, grid="codebook"),),
    "w4 powers": (Quantize(weight_bits=4, grid="power_of_two"),),
    "powers": (
        Quantize(
            weight_bits=4, activation_bits=6, grid="power_of_two", activation_grid="power_of_two"
        ),
    ),
    "a8 of fc*": (Quantize(weight_bits=8, activation_bits=8, layers="fc*"),),
    "low rank w8a8": (Factorize(rank=0.3), Quantize(weight_bits=8, activation_bits=8)),
}
"""Recipes by what they leave: bits of weights and activations and the grid."""


@lru_cache
def compressed(scenario: str, name: str) -> Compressed:
    """Return a built-in network after the recipe that is called *name*."""
    loaded = load_scenario(scenario)
    return compress(loaded.network, Recipe(steps=STEPS[name]), loaded.data)


@lru_cache
def samples(scenario: str, count: int) -> Tensor:
    """Return the first test samples as the network reads them."""
    return load_scenario(scenario).data.test.inputs(0, count)


def preview(of: Compressed, x: Tensor) -> Tensor:
    """Return the answers that the app shows."""
    with torch.inference_mode():
        answers: Tensor = of.module(x)
    return answers


def assert_same(answers: Tensor, expected: Tensor, step: float | None) -> None:
    """Fail unless every class is the same and no output is off by more than one step."""
    assert torch.equal(answers.argmax(1), expected.argmax(1))
    gap = float((answers - expected).abs().max())
    assert gap <= (1e-3 if step is None else 1.001 * step)
