"""EfficientNet-Lite0, as its published weights name its layers; its weights come in a package."""

from torch import Tensor, nn
from torch.nn import functional

SIDE = 224
CLASSES = 1000


class EfficientNetLite0(nn.Module):
    """Tan and Le, 2019, in the form for small devices: 3 x 224 x 224 -> 1000 classes."""

    STAGES = ((3, 1, 16, 1, 1), (3, 2, 24, 2, 6), (5, 2, 40, 2, 6), (3, 2, 80, 3, 6),
              (5, 1, 112, 3, 6), (5, 2, 192, 4, 6), (3, 1, 320, 1, 6))  # fmt: skip
    """Kernel, stride of the first block, outputs, blocks, expansion."""

    def __init__(self) -> None:
        super().__init__()
        self.pad = _same(3, 2)
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        blocks, width = [], 32
        for kernel, stride, outputs, count, expand in self.STAGES:
            for number in range(count):
                blocks.append(_Block(width, outputs, kernel, 1 if number else stride, expand))
                width = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(width, 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self._fc = nn.Linear(1280, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x 224 x 224 -> N x 1000."""
        x = functional.relu6(self._bn0(self._conv_stem(self.pad(x))))
        for block in self._blocks:
            x = block(x)
        x = self.pool(functional.relu6(self._bn1(self._conv_head(x))))
        answers: Tensor = self._fc(x.flatten(1))
        return answers


class _Block(nn.Module):
    """Inverted residual (Sandler et al., 2018) without squeeze and excitation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        width = inputs * expand
        self.expand, self.skip = expand > 1, stride == 1 and inputs == outputs
        if self.expand:
            self._expand_conv = nn.Conv2d(inputs, width, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(width, eps=1e-3)
        self.pad = _same(kernel, stride) if stride > 1 else nn.Identity()
        padding = kernel // 2 if stride == 1 else 0
        self._depthwise_conv = nn.Conv2d(
            width, width, kernel, stride, padding, groups=width, bias=False
        )
        self._bn1 = nn.BatchNorm2d(width, eps=1e-3)
        self._project_conv = nn.Conv2d(width, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x side x side -> N x outputs x side/stride x side/stride."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expand else x
        y = functional.relu6(self._bn1(self._depthwise_conv(self.pad(y))))
        y = self._bn2(self._project_conv(y))
        summed: Tensor = x + y if self.skip else y
        return summed


def _same(kernel: int, stride: int) -> nn.Module:
    """Pad as TensorFlow's SAME does for even sides: what is odd goes to the right and below."""
    total = kernel - stride
    left = total // 2
    return nn.ZeroPad2d((left, total - left, left, total - left))
