"""Architectures that feel: what a watch recorded in, one of seven exercises out."""

from torch import nn

from compress_core.zoo.layers import named, scaled


def watch_conv(width: float = 1.0) -> nn.Module:
    """Return four convolutions along time of 32 and 64 maps, and the mean over time."""
    layers: dict[str, nn.Module] = {}
    channels = 6
    for index, maps in enumerate((32, 32, 64, 64), start=1):
        outputs = scaled(maps, width)
        layers[f"conv{index}"] = nn.Conv1d(channels, outputs, 5, 2, padding=2, bias=False)
        layers[f"bn{index}"] = nn.BatchNorm1d(outputs)
        layers[f"relu{index}"] = nn.ReLU()
        channels = outputs
    layers["pool"] = nn.AdaptiveAvgPool1d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(0.5)
    layers["fc"] = nn.Linear(channels, 7)
    return named(**layers)
