"""How the architectures of the zoo are put together."""

from torch import nn


def scaled(channels: int, width: float) -> int:
    """Return how many of *channels* a network has that is *width* times as wide."""
    return max(1, round(channels * width))


def named(**layers: nn.Module) -> nn.Sequential:
    """Return layers in their order, under their names."""
    sequence = nn.Sequential()
    for name, layer in layers.items():
        sequence.add_module(name, layer)
    return sequence
