"""Architectures that look at pictures."""

import torch
from torch import Tensor, nn

from compress_core.zoo.layers import named, scaled


def simple_nn(width: float = 1.0) -> nn.Module:
    """Return 64 -> 100 -> 10, the smallest network worth compressing."""
    hidden = scaled(100, width)
    return named(
        flatten=nn.Flatten(),
        fc1=nn.Linear(64, hidden),
        relu1=nn.ReLU(),
        fc2=nn.Linear(hidden, 10),
    )


def lenet_300_100(width: float = 1.0) -> nn.Module:
    """Return the fully connected network of LeCun et al., 1998, with ReLU."""
    first, second = scaled(300, width), scaled(100, width)
    return named(
        flatten=nn.Flatten(),
        fc1=nn.Linear(784, first),
        relu1=nn.ReLU(),
        fc2=nn.Linear(first, second),
        relu2=nn.ReLU(),
        fc3=nn.Linear(second, 10),
    )


def lenet_5(width: float = 1.0) -> nn.Module:
    """Return LeNet-5 of LeCun et al., 1998 (6 and 16 maps, 28 x 28 input), with ReLU and max."""
    maps1, maps2, hidden1, hidden2 = (scaled(n, width) for n in (6, 16, 120, 84))
    return named(
        conv1=nn.Conv2d(1, maps1, 5, padding=2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(maps1, maps2, 5),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(maps2 * 25, hidden1),
        relu3=nn.ReLU(),
        fc2=nn.Linear(hidden1, hidden2),
        relu4=nn.ReLU(),
        fc3=nn.Linear(hidden2, 10),
    )


def vgg_small(width: float = 1.0) -> nn.Module:
    """Return six 3 x 3 convolutions with batch norm in three stages of 32, 64 and 128 maps."""
    layers: dict[str, nn.Module] = {}
    channels = 1
    for stage, maps in enumerate((32, 64, 128), start=1):
        for part in (1, 2):
            outputs = scaled(maps, width)
            layers[f"conv{stage}_{part}"] = nn.Conv2d(channels, outputs, 3, padding=1, bias=False)
            layers[f"bn{stage}_{part}"] = nn.BatchNorm2d(outputs)
            layers[f"relu{stage}_{part}"] = nn.ReLU()
            channels = outputs
        layers[f"pool{stage}"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(channels * 3 * 3, 10)
    return named(**layers)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al., 2016; 1 x 1 where shapes change)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map N x inputs x H x W to N x outputs x H/stride x W/stride."""
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        out: Tensor = self.relu2(y + self.shortcut(x))
        return out


class ResNet20(nn.Module):
    """ResNet-20 for small pictures: stages of 16, 32 and 64 maps (He et al., 2016)."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        a, b, c = (scaled(maps, width) for maps in (16, 32, 64))
        self.conv1 = nn.Conv2d(1, a, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(a)
        self.relu1 = nn.ReLU()
        self.stage1 = nn.Sequential(*(Residual(a, a, 1) for _ in range(3)))
        self.stage2 = nn.Sequential(Residual(a, b, 2), Residual(b, b, 1), Residual(b, b, 1))
        self.stage3 = nn.Sequential(Residual(b, c, 2), Residual(c, c, 1), Residual(c, c, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(c, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Map N x 1 x H x W pictures to N x classes logits."""
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits
