"""
Convolutions of codes by the processor's own 8 bit instructions, where it has exact ones.

oneDNN multiplies uint8 by int8 and adds in int32; then nothing is rounded, and the sums are those
of float32 arithmetic at a third of the time. Older processors add pairs of products in 16 bits,
which saturate, so it is tried out once whether the largest sums come out right.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def pack(layer: nn.Conv2d, shape: Sequence[int], offset: int, weight: Tensor) -> Tensor:
    """Return *weight* (whole numbers -128..127) as `convolve` wants it for inputs of *shape*."""
    packed: Tensor = torch.ops.onednn.qconv_prepack(
        weight.to(torch.int8), torch.ones(1), 1.0, offset, *_where(layer), list(shape)
    )
    return packed


def convolve(layer: nn.Conv2d, codes: Tensor, offset: int, packed: Tensor, bias: Tensor) -> Tensor:
    """
    Return the sums of products of (codes - offset) and a weight, plus bias, in float32.

    *codes* is uint8, *packed* the weight as `pack` made it and *bias* any whole numbers as float32.
    The places around the picture count as *offset*.
    """
    one, zero = torch.ones(1), torch.zeros(1, dtype=torch.int64)
    sums: Tensor = torch.ops.onednn.qconv2d_pointwise(
        codes, 1.0, offset, packed, one, zero, bias, *_where(layer),
        1.0, 0, torch.float32, "none", [], "",
    )  # fmt: skip
    return sums


def _where(layer: nn.Conv2d) -> tuple[list[int], list[int], list[int], int]:
    stride, padding, dilation = (
        list(map(int, pair)) for pair in (layer.stride, layer.padding, layer.dilation)
    )
    return stride, padding, dilation, layer.groups


def fits(layer: nn.Module) -> bool:
    """Tell whether `convolve` can do what *layer* does."""
    return (
        isinstance(layer, nn.Conv2d)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and is_exact()
    )


@cache
def is_exact() -> bool:
    """Try whether the largest sums of products come out right on this processor."""
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.onednn, "qconv_prepack"):
        return False
    channels = 64
    layer = nn.Conv2d(channels, channels, 3, padding=1)
    codes = torch.full((2, channels, 8, 8), 255, dtype=torch.uint8)
    weight = torch.full((channels, channels, 3, 3), 127.0)
    weight[1::2] = -128.0
    bias = torch.arange(float(channels))
    expected = F.conv2d(codes.float() - 3, weight, bias, padding=1)
    with torch.no_grad():
        packed = pack(layer, codes.shape, 3, weight)
        return torch.equal(convolve(layer, codes, 3, packed, bias), expected)
