"""Networks as others write them, and the files that they are brought in."""

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Squeeze(nn.Module):
    """MobileNetV3's block: depthwise convolution, squeeze and excitation, several activations."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.depthwise = nn.Conv2d(16, 16, 5, padding=2, groups=16, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.reduce, self.expand = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.pointwise = nn.Conv2d(16, 16, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(16)
        self.drop, self.fc = nn.Dropout(0.2), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.hardswish(self.bn1(self.stem(x)))
        y = F.relu6(self.bn2(self.depthwise(x)))
        s = F.hardsigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(y, 1)))))
        x = F.silu(x + self.bn3(self.pointwise(y * s)))
        out: Tensor = self.fc(self.drop(x.mean([2, 3])))
        return out


class Dense(nn.Module):
    """DenseNet's block: every layer reads all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn1, self.conv1 = nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3, padding=1)
        self.bn2, self.conv2 = nn.BatchNorm2d(12), nn.Conv2d(12, 4, 3, padding=1)
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = torch.cat([x, self.conv1(F.relu(self.bn1(x)))], 1)
        x = torch.cat([x, self.conv2(F.relu(self.bn2(x)))], 1)
        x = F.avg_pool2d(F.max_pool2d(x, 3, 2, 1), 2)
        out: Tensor = self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))
        return out


class Memory(nn.Module):
    """Two layers of memory in both directions."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.memory = kind(5, 7, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(14, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.memory(x)[0][:, -1])
        return out


class Words(nn.Module):
    """A small transformer over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.position = nn.Parameter(torch.randn(1, 12, 16))
        self.block = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.fc = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.block(self.words(x) + self.position).mean(1))
        return out


class Attention(nn.Module):
    """Attention written by hand, with shapes that follow the input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.fc = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, t, 3, 4, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = ((q @ k.transpose(-2, -1) * 0.5).softmax(-1) @ v).transpose(1, 2).reshape(b, t, c)
        out: Tensor = self.fc((x + F.gelu(self.out(y))).mean(1))
        return out


class Sound(nn.Module):
    """Convolutions over time."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.bn = nn.Conv1d(1, 8, 9, 4, 4), nn.BatchNorm1d(8)
        self.b, self.fc = nn.Conv1d(8, 16, 3, padding=1), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool1d(F.relu(self.bn(self.a(x))), 4)
        out: Tensor = self.fc(F.leaky_relu(self.b(x), 0.1).mean(-1))
        return out


class Upward(nn.Module):
    """What is left: transposed convolutions, other norms, sums of slices, running sums."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(2, 6, 3, 2, 1)
        self.group, self.instance = nn.GroupNorm(3, 6), nn.InstanceNorm2d(6, affine=True)
        self.up = nn.ConvTranspose2d(6, 4, 3, 2, 1, 1)
        self.slope, self.fc = nn.PReLU(4), nn.Linear(4 * 64, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.slope(self.up(self.instance(self.group(self.down(x)))))
        y = F.interpolate(y, scale_factor=2.0, mode="nearest")[:, :, ::2, ::2]
        y = torch.cumsum(torch.sqrt(y.abs() + 0.5), 2) - y.pow(2)
        out: Tensor = self.fc(y.reshape(y.shape[0], -1))
        return out


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int | None]] = {
    "squeeze": (Squeeze, (3, 32, 32), None),
    "dense": (Dense, (3, 16, 16), None),
    "lstm": (lambda: Memory(nn.LSTM), (9, 5), None),
    "gru": (lambda: Memory(nn.GRU), (9, 5), None),
    "words": (Words, (12,), 50),
    "attention": (Attention, (12, 16), None),
    "sound": (Sound, (1, 256), None),
    "upward": (Upward, (2, 8, 8), None),
}
"""Name -> how it is made, the shape of a sample, the number of words where it reads words."""


def make(name: str) -> nn.Module:
    """Return a network whose batch norms have statistics that do something."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = NETS[name][0]().eval()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                for value in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    assert isinstance(value, Tensor)
                    value.data.uniform_(0.5, 1.5)
    return module


def batch(name: str, count: int = 2) -> Tensor:
    """Return samples as the network itself takes them."""
    _, shape, words = NETS[name]
    generator = torch.Generator().manual_seed(1)
    if words is not None:
        return torch.randint(0, words, (count, *shape), generator=generator)
    return torch.randn(count, *shape, generator=generator)


def write(module: nn.Module, x: Tensor, path: Path, how: str) -> Path:
    """Write a network: as onnx, onnx-dynamo, onnx-fixed, pt2, pt2-fixed, torchscript or weights."""
    free = ({0: torch.export.Dim.DYNAMIC},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if how in ("onnx", "onnx-fixed"):
            axes = {"x": {0: "batch"}} if how == "onnx" else {}
            torch.onnx.export(module, (x,), path, dynamo=False, input_names=["x"],
                              dynamic_axes=axes)  # fmt: skip
        elif how == "onnx-dynamo":
            torch.onnx.export(module, (x,), path, dynamo=True, external_data=False, verbose=False,
                              dynamic_shapes=free)  # fmt: skip
        elif how in ("pt2", "pt2-fixed"):
            shapes = free if how == "pt2" else None
            torch.export.save(torch.export.export(module, (x,), dynamic_shapes=shapes), path)
        elif how == "torchscript":
            torch.jit.trace(module, x, check_trace=False).save(str(path))
        else:
            torch.save(module.state_dict(), path)
    return path
