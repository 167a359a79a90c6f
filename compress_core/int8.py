"""
Convolutions of codes by the processor's own 8 bit instructions, where it has exact ones.

oneDNN multiplies uint8 by int8 and adds in int32; then nothing is rounded, and the sums are those
of float32 arithmetic at a third of the time. Older processors add pairs of products in 16 bits,
which saturate, so it is tried out once whether the largest sums come out right.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def convolve(layer: nn.Conv2d, codes: Tensor, offset: int, weight: Tensor, bias: Tensor) -> Tensor:
    """
    Return the sums of products of (codes - offset) and weight, plus bias, in float32.

    *codes* holds whole numbers 0..255, *weight* -128..127 and *bias* any, all as float32. The
    places around the picture count as *offset*.
    """
    count, where = len(weight), (layer.stride, layer.padding, layer.dilation)
    stride, padding, dilation = (list(map(int, pair)) for pair in where)
    inputs, ones = codes.to(torch.uint8), torch.ones(count)
    packed = torch.ops.onednn.qconv_prepack(
        weight.to(torch.int8), ones, 1.0, offset,
        stride, padding, dilation, layer.groups, list(inputs.shape),
    )  # fmt: skip
    sums: Tensor = torch.ops.onednn.qconv2d_pointwise(
        inputs, 1.0, offset, packed, ones, torch.zeros(count, dtype=torch.int64), bias,
        stride, padding, dilation, layer.groups, 1.0, 0, torch.float32, "none", [], "",
    )  # fmt: skip
    return sums


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
    codes = torch.full((2, channels, 8, 8), 255.0)
    weight = torch.full((channels, channels, 3, 3), 127.0)
    weight[1::2] = -128.0
    bias = torch.arange(float(channels))
    expected = F.conv2d(codes - 3, weight, bias, padding=1)
    with torch.no_grad():
        return torch.equal(convolve(layer, codes, 3, weight, bias), expected)
