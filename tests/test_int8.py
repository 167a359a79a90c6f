import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from compress_core import int8
from compress_core.int8 import convolve, fits, pack


@given(
    st.sampled_from([(1, 6, 1), (3, 8, 1), (16, 16, 2), (8, 8, 8)]),
    st.sampled_from([(1, 0, 1), (3, 1, 1), (3, 1, 2), (5, 2, 1)]),
    st.integers(0, 255),
    st.integers(0, 9),
)
def test_sums_are_those_of_whole_numbers(
    channels: tuple[int, int, int], shape: tuple[int, int, int], offset: int, seed: int
) -> None:
    if not int8.is_exact():
        return  # on such a processor it is never used
    (inputs, outputs, groups), (kernel, padding, stride) = channels, shape
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups)
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int, *size: int) -> torch.Tensor:
        return torch.randint(low, high, size, generator=generator)

    codes = draw(0, 256, 2, inputs, 9, 9)
    weight = draw(-128, 128, outputs, inputs // groups, kernel, kernel)
    bias = draw(-9999, 9999, outputs)
    with torch.no_grad():
        packed = pack(layer, codes.shape, offset, weight)
        found = convolve(layer, codes.to(torch.uint8), offset, packed, bias.float())
    # Float64 holds these sums exactly, and has nothing to do with oneDNN.
    expected = F.conv2d(
        (codes - offset).double(), weight.double(), bias.double(), stride, padding, 1, groups
    )
    assert found.dtype == torch.float32
    assert np.array_equal(found.double().numpy(), expected.numpy())


def test_what_it_cannot_do_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "is_exact", lambda: True)
    assert fits(nn.Conv2d(1, 1, 3))
    assert not fits(nn.Conv2d(1, 1, 3, padding="same"))
    assert not fits(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"))
    assert not fits(nn.Conv1d(1, 1, 3)) and not fits(nn.Linear(1, 1))
    monkeypatch.setattr(int8, "is_exact", lambda: False)
    assert not fits(nn.Conv2d(1, 1, 3))
