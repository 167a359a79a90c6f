"""Samples as pictures, where they are any. Knows nothing of Streamlit."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.samples import GAP

Pixels = NDArray[np.uint8]
PIXELS = 160
"""Least side of a picture on a card."""


def picture(sample: NDArray[Any]) -> Pixels | None:
    """Return height x width (x 3) of bytes for channels x height x width or bands x columns."""
    if sample.ndim == 3 and sample.shape[0] in (1, 3, 4):
        shown = sample[:3].transpose(1, 2, 0) if sample.shape[0] > 1 else sample[0]
    elif sample.ndim == 2 and min(sample.shape) > 4:
        shown = sample[::-1]  # low tones at the bottom
    else:
        return None
    if min(shown.shape[:2]) < 2:
        return None
    return shown if shown.dtype == np.uint8 else _bytes(shown)


def strip(pictures: Sequence[Pixels]) -> bytes:
    """Return a PNG with the *pictures* side by side, each a square; empty without any."""
    from PIL import Image

    if not pictures:
        return b""
    tiles = [_square(each) for each in pictures]
    side, gap = tiles[0].shape[0], GAP
    laid = np.zeros((side, len(tiles) * (side + gap) - gap, 4), np.uint8)
    for place, tile in enumerate(tiles):
        laid[:, place * (side + gap) : place * (side + gap) + side] = tile
    file = io.BytesIO()
    Image.fromarray(laid, "RGBA").save(file, "PNG")
    return file.getvalue()


def enlarged(shown: Pixels, pixels: int) -> Pixels:
    """Return a picture of at least so many *pixels* a side, each of its points a square."""
    factor = -(-pixels // min(shown.shape[:2]))
    return shown.repeat(factor, 0).repeat(factor, 1) if factor > 1 else shown


def _square(shown: Pixels) -> Pixels:
    """Return the middle of a picture as PIXELS x PIXELS x RGBA."""
    from PIL import Image

    side = min(shown.shape[:2])
    top, left = (shown.shape[0] - side) // 2, (shown.shape[1] - side) // 2
    middle = Image.fromarray(np.ascontiguousarray(shown[top : top + side, left : left + side]))
    how = Image.Resampling.NEAREST if side < PIXELS else Image.Resampling.LANCZOS
    return np.asarray(middle.convert("RGBA").resize((PIXELS, PIXELS), how))


def _bytes(values: NDArray[Any]) -> Pixels:
    low, high = float(values.min()), float(values.max())
    scaled = (values.astype(np.float32) - low) / ((high - low) or 1.0)
    return (scaled * 255).astype(np.uint8)
