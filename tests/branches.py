"""Small networks that nobody trained, whose branches meet in sums, beside each other, or not."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_core.network import Network, from_module
from tests.nets import LABELS


def conv(
    inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1, end: bool = True
) -> nn.Sequential:
    """Return convolution, batch norm and, except at the *end* of a branch, ReLU6."""
    layers = nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )
    return layers if end else layers.append(nn.ReLU6())


class Bottlenecks(nn.Module):
    """Depthwise convolutions, ReLU6 and sums without activation, as in MobileNet v2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(1, 8, stride=2, end=False)
        self.first, self.second = (
            nn.Sequential(
                conv(8, 16, 1, end=False), conv(16, 16, groups=16, end=False), conv(16, 8, 1)
            )
            for _ in range(2)
        )
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.first(x)
        x = x + self.second(x)
        logits: Tensor = self.fc(x.mean((2, 3), keepdim=True).flatten(1))
        return logits


class Dense(nn.Module):
    """Everything before is put beside what follows, as in DenseNet; averages of 2 x 2."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = conv(1, 8, end=False), conv(8, 4, end=False), conv(12, 4)
        self.halve, self.d = conv(16, 8, 1, end=False), conv(8, 6, end=False)
        self.average, self.pool = nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(14, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        x = torch.cat([x, self.b(x)], 1)
        x = torch.cat([x, self.c(x)], 1)
        x = self.average(self.halve(x))
        x = torch.cat([x, self.d(x)], 1)
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits


class Grouped(nn.Module):
    """Grouped convolutions, a sum in place, ReLU as a function, a shape read in between."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = conv(1, 8, end=False), conv(8, 8, groups=4, end=False)
        self.c, self.shortcut = conv(8, 8, stride=2, groups=2), conv(8, 8, 1, stride=2)
        self.fc = nn.Linear(8 * 36, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        y = self.c(self.b(x))
        y += self.shortcut(x)
        y = F.relu(y)
        logits: Tensor = self.fc(y.view(y.size(0), -1))
        return logits


class Sound(nn.Module):
    """Convolutions along one axis, one of them depthwise, around a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv1d(4, 8, 5, padding=2)
        self.b, self.c = nn.Conv1d(8, 8, 3, padding=1, groups=8), nn.Conv1d(8, 8, 1)
        self.pool, self.fc = nn.AdaptiveAvgPool1d(1), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.a(x))
        x = x + F.relu(self.c(self.b(x)))
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits


class Twice(nn.Module):
    """One layer that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.b(torch.relu(self.b(torch.relu(self.a(x))))))
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits


class Gated(nn.Module):
    """Channels weighed by a sigmoid, and hard swish: operators that runtimes compute in float."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = conv(1, 8, end=False), conv(8, 8)
        self.pool, self.swish, self.gate = nn.AdaptiveAvgPool2d(1), nn.Hardswish(), nn.Sigmoid()
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        x = x * self.gate(self.excite(torch.relu(self.squeeze(self.pool(x)))))
        x = self.swish(self.b(x)) + x
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits


class Chain(nn.Module):
    """Linear layers, a difference, sums of three, and two ends side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(144, 32), nn.Linear(32, 32), nn.Linear(32, 32)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.a(torch.flatten(x, 1)))
        y = x - self.b(x)
        z = x + y + self.c(y)
        logits: Tensor = self.fc(torch.cat([z, x], 1))
        return logits


BRANCHES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "bottlenecks": (Bottlenecks, (1, 12, 12)),
    "dense": (Dense, (1, 12, 12)),
    "grouped": (Grouped, (1, 12, 12)),
    "sound": (Sound, (4, 24)),
    "chain": (Chain, (1, 12, 12)),
    "gated": (Gated, (1, 12, 12)),
    "twice": (Twice, (1, 12, 12)),
}


def branches(name: str) -> Network:
    """Return one of these networks; the same every time, its batch norms do something."""
    make, shape = BRANCHES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = make()
        for norm in module.modules():
            if isinstance(norm, nn.BatchNorm2d):
                assert norm.running_mean is not None and norm.running_var is not None
                norm.running_mean.uniform_(-0.2, 0.2)
                norm.running_var.uniform_(0.2, 1.0)
    return from_module(module, shape, LABELS, name)
