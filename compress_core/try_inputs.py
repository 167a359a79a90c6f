"""What somebody draws, shows or says, turned into a sample as those of the data set are."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from compress_core.intake.choices import Choices
from compress_core.intake.pictures import decode_picture
from compress_core.intake.sounds import SPECTRUM_RATE, decode_sound
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError
from compress_core.spectrum import HOP, WINDOW, log_mel

CANVAS = 256
"""Pixels of the side of what is drawn or photographed before it becomes a sample."""
FAINT = 0.08
"""Ink fainter than this share of the darkest is taken for paper."""
SHADOW = 0.25
"""The same on photographs, where paper has shadows."""
LEAST_CONTRAST = 40
"""Of 255, between paper and the darkest ink of a photograph."""
LONGEST_SPEECH = 30
"""Seconds of a recording that are listened to."""
QUIETEST_PEAK = 300
"""Of 32,768; a recording without a louder sample is silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """How the pictures of a data set were made out of ink, so that a drawing can be made alike."""

    side: int
    """Pixels."""
    full: int
    """Value of the darkest ink; 0 is paper."""
    filled: bool
    """Whether what lies inside an outline belongs to it."""


DRAWN = {
    # Alpaydin and Kaynak, 1998: ink of a 32 x 32 bitmap counted in blocks of 4 x 4.
    "digits": Drawn(side=8, full=16, filled=False),
    # Xiao, Rasul and Vollgraf, 2017: trimmed, the longer side scaled to 28, centred, negated.
    "fashion-mnist": Drawn(side=28, full=255, filled=True),
}
"""Data sets of ink on paper; in both the ink fills the picture's longer side."""


def from_drawing(raw: bytes, like: Drawn) -> Tensor:
    """
    Return 1 x side x side (uint8) of a picture file with dark ink on white.

    Raises IntakeError when it is no picture or when nothing is drawn.
    """
    ink = 1 - _grey(raw) / 255
    if ink.max() < FAINT:
        raise IntakeError("nothing is drawn yet")
    return _sample(ink, like)


def from_photo(raw: bytes, like: Drawn) -> Tensor:
    """
    Return 1 x side x side (uint8) of a photograph of one thing on plain ground.

    The ground is what the edge of the picture shows; what differs from it is the ink. Raises
    IntakeError when it is no picture or shows nothing.
    """
    grey = _grey(raw)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ground = float(np.median(edge))
    # On bright ground ink is what is darker, on dark ground what is brighter.
    contrast = np.maximum(ground - grey if ground > 127 else grey - ground, 0)
    if contrast.max() < LEAST_CONTRAST:
        raise IntakeError("nothing stands out from its ground; use plain, bright paper")
    ink = contrast / contrast.max()
    return _sample(np.where(ink < SHADOW, 0, ink), like)


def from_picture(raw: bytes, shape: tuple[int, ...]) -> Tensor:
    """Return channels x height x width (uint8) of a picture file, cut to *shape*."""
    return torch.from_numpy(decode_picture(raw, Wanted(shape=shape), Choices()).copy())


def from_speech(raw: bytes, shape: tuple[int, ...]) -> Tensor:
    """
    Return the log-mel spectrum (uint8, *shape*) of the loudest part of a WAV recording.

    *shape* ends with bands x columns; a column is 16 ms. Raises IntakeError for what is no WAV
    and for silence.
    """
    bands, columns = shape[-2:]
    every = Wanted(shape=(1, LONGEST_SPEECH * SPECTRUM_RATE))
    stored = decode_sound(raw, every, Choices(rate=SPECTRUM_RATE)).reshape(-1)
    wave = stored.astype(np.float64)
    if np.abs(wave).max() < QUIETEST_PEAK:
        raise IntakeError("nothing is to be heard; speak a little louder")
    length = WINDOW + HOP * (columns - 1)
    start = _loudest(wave, length)
    loud = (wave[start : start + length] / 32_768).astype(np.float32)
    return torch.from_numpy(log_mel(loud, SPECTRUM_RATE, bands)).reshape(shape)


def _loudest(wave: NDArray[np.float64], length: int) -> int:
    """Return where the *length* samples with the most energy begin."""
    energy = np.concatenate([[0.0], np.cumsum(wave**2)])
    return int(np.argmax(energy[length:] - energy[:-length]))


def _grey(raw: bytes) -> NDArray[np.float64]:
    """Return the middle square of a picture file, 0 (black) to 255."""
    wanted = Wanted(shape=(1, CANVAS, CANVAS))
    return np.asarray(decode_picture(raw, wanted, Choices())[0], np.float64)


def _sample(ink: NDArray[np.float64], like: Drawn) -> Tensor:
    """Return ink (0 to 1) cut out, scaled to the whole side and centred."""
    thick = ink >= FAINT
    if like.filled:
        from scipy.ndimage import binary_fill_holes

        inside = binary_fill_holes(thick) & ~thick
        ink = np.where(inside, np.maximum(ink, ink[thick].mean()), ink)
        thick |= inside
    rows, columns = np.flatnonzero(thick.any(1)), np.flatnonzero(thick.any(0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = cut.shape
    scale = like.side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray(cut.astype(np.float32)).resize(size, Image.Resampling.BOX)
    found = np.zeros((like.side, like.side))
    top, left = (like.side - size[1]) // 2, (like.side - size[0]) // 2
    found[top : top + size[1], left : left + size[0]] = np.asarray(small)
    return torch.from_numpy(np.round(like.full * found).astype(np.uint8))[None]
