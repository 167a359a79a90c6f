"""Architectures that act: what is seen in, one of a few actions out."""

from torch import nn

from compress_core.zoo.layers import named, scaled


def mlp_policy(width: float = 1.0) -> nn.Module:
    """Return 8 -> 64 -> 64 -> 4, for the state of a landing craft."""
    hidden = scaled(64, width)
    return named(
        fc1=nn.Linear(8, hidden),
        relu1=nn.ReLU(),
        fc2=nn.Linear(hidden, hidden),
        relu2=nn.ReLU(),
        fc3=nn.Linear(hidden, 4),
    )


def cnn_policy(width: float = 1.0) -> nn.Module:
    """Return four convolutions of stride 2 and two layers, for a camera picture of 48 x 48."""
    layers: dict[str, nn.Module] = {}
    channels = 1
    for index, maps in enumerate((16, 32, 64, 64), start=1):
        outputs, kernel = scaled(maps, width), 5 if index == 1 else 3
        layers[f"conv{index}"] = nn.Conv2d(channels, outputs, kernel, 2, padding=kernel // 2)
        layers[f"relu{index}"] = nn.ReLU()
        channels = outputs
    hidden = scaled(128, width)
    layers["flatten"] = nn.Flatten()
    layers["fc1"] = nn.Linear(channels * 9, hidden)
    layers["relu5"] = nn.ReLU()
    layers["fc2"] = nn.Linear(hidden, 5)
    return named(**layers)
