"""Sound as a picture: the log-mel spectrum of a recording. Knows no torch."""

import numpy as np
from numpy.typing import NDArray

WINDOW, HOP = 256, 128
"""Samples under one column, and from one column to the next."""
LOWEST = 60.0
"""Hertz where the lowest band begins."""
QUIETEST, LOUDEST = -80.0, 20.0
"""Decibels that become 0 and 255."""


def log_mel(wave: NDArray[np.float32], rate: int, bands: int) -> NDArray[np.uint8]:
    """
    Return bands x columns of samples in -1..1: power in mel triangles, in decibels.

    Davis and Mermelstein, 1980; a column for each HOP samples that a whole window starts at.
    """
    window = np.hanning(WINDOW + 1)[:-1]
    columns = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(columns * window)) ** 2
    decibels = 10 * np.log10(np.maximum(power @ _triangles(rate, bands).T, 1e-10))
    level = (decibels - QUIETEST) / (LOUDEST - QUIETEST) * 255
    return np.clip(np.round(level), 0, 255).astype(np.uint8).T


def _triangles(rate: int, bands: int) -> NDArray[np.float64]:
    """Return bands x (WINDOW // 2 + 1) weights: each band rises from its lower neighbour's peak."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, rate / 2))
    peaks = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    bins = np.linspace(0, rate / 2, WINDOW // 2 + 1)
    rise = (bins - peaks[:-2, None]) / (peaks[1:-1] - peaks[:-2])[:, None]
    fall = (peaks[2:, None] - bins) / (peaks[2:] - peaks[1:-1])[:, None]
    return np.maximum(np.minimum(rise, fall), 0)
