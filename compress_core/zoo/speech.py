"""Architectures that listen: a log-mel spectrum in, one of five languages out."""

from torch import nn

from compress_core.zoo.layers import named, scaled


def ds_cnn(width: float = 1.0) -> nn.Module:
    """Return DS-CNN of Zhang et al., 2017: a convolution, then four depthwise-separable ones."""
    maps = scaled(64, width)
    layers: dict[str, nn.Module] = {
        "conv": nn.Conv2d(1, maps, 5, 2, padding=2, bias=False),
        "bn": nn.BatchNorm2d(maps),
        "relu": nn.ReLU(),
    }
    for index in range(1, 5):
        stride = 2 if index == 1 else 1
        layers[f"depth{index}"] = nn.Conv2d(
            maps, maps, 3, stride, padding=1, groups=maps, bias=False
        )
        layers[f"bn{index}_1"] = nn.BatchNorm2d(maps)
        layers[f"relu{index}_1"] = nn.ReLU()
        layers[f"point{index}"] = nn.Conv2d(maps, maps, 1, bias=False)
        layers[f"bn{index}_2"] = nn.BatchNorm2d(maps)
        layers[f"relu{index}_2"] = nn.ReLU()
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(0.3)
    layers["fc"] = nn.Linear(maps, 5)
    return named(**layers)
