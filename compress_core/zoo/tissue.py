"""Architectures that judge tissue by measures of its cells: benign or malignant."""

from torch import nn

from compress_core.zoo.layers import named, scaled


def tissue_mlp(width: float = 1.0) -> nn.Module:
    """Return 30 -> 32 -> 16 -> 2."""
    first, second = scaled(32, width), scaled(16, width)
    return named(
        fc1=nn.Linear(30, first),
        relu1=nn.ReLU(),
        dropout=nn.Dropout(0.3),
        fc2=nn.Linear(first, second),
        relu2=nn.ReLU(),
        fc3=nn.Linear(second, 2),
    )
