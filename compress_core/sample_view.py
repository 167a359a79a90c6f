"""One sample as somebody can look at it: a picture, curves, a few numbers, or words."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress_core.data import TOKENS
from compress_core.samples import curves

INK = {"digits": 16, "fashion-mnist": 255}
"""Data sets of ink on paper, where 0 is paper -> the value of the darkest ink."""
SOUNDS = frozenset({"speech"})
"""Data sets whose pictures are spectra: low tones come first, and are shown at the bottom."""
SIDE = 224
"""Pixels of the shorter side of a picture, at least."""
MOST_NUMBERS = 12
"""Of a sample that is a row of numbers."""

View = NDArray[np.uint8] | list[float] | list[int]
"""Height x width (x 3); or the first numbers of a row; or numbers of words."""


def view(data_set: str, sample: Tensor) -> View:
    """Return what a stored sample of a data set (`own` for people's own) looks like."""
    if sample.dtype in TOKENS:
        return [int(number) for number in sample.flatten()]
    values = sample.to(torch.float32).numpy()
    if sample.dim() == 3 and len(sample) in (1, 3):
        return _picture(data_set, values)
    rows = values.reshape(-1, values.shape[-1])
    if sample.dim() == 1 and sample.numel() <= 64:
        return [float(value) for value in rows[0][:MOST_NUMBERS]]
    return _zoomed(255 - curves(rows[:3]))


def words_of(numbers: list[int], vocabulary: Mapping[str, int], padding: int = 0) -> str:
    """Return the words that numbers stand for, and … for those that are unknown."""
    names = {number: word for word, number in vocabulary.items()}
    return " ".join(names.get(number, "…") for number in numbers if number != padding)


def _picture(data_set: str, values: NDArray[np.float32]) -> NDArray[np.uint8]:
    if data_set in INK:
        values = 255 - values * np.float32(255 / INK[data_set])
    elif values.min() < 0 or values.max() <= 1 or values.max() > 255:
        low, high = float(values.min()), float(values.max())
        values = (values - low) / ((high - low) or 1) * 255
    pixels = np.clip(np.round(values), 0, 255).astype(np.uint8)
    if data_set in SOUNDS:
        pixels = pixels[:, ::-1].repeat(2, axis=1)
    return _zoomed(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def _zoomed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Let every point become a square, so that no browser blurs it."""
    factor = max(1, -(-SIDE // min(pixels.shape[:2])))
    return np.ascontiguousarray(pixels.repeat(factor, 0).repeat(factor, 1))
