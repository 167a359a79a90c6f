"""A WAV file as the network reads it: one channel, its rate, its length, or a picture of sound."""

import warnings
from io import BytesIO
from math import gcd

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Choices
from compress_core.intake.limits import MOST_SAMPLE
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError
from compress_core.spectrum import HOP, WINDOW, log_mel

SPEECH_RATE, SPECTRUM_RATE = 16_000, 8_000
"""Samples a second, where nothing else was chosen: of networks that read waves or spectra."""
_RATES = range(1_000, 400_001)


def rate_of(wanted: Wanted, choices: Choices) -> int:
    """Return the samples a second that the network is taken to read."""
    rate = choices.rate or (SPEECH_RATE if wanted.wave else SPECTRUM_RATE)
    if rate not in _RATES or rate % 25:
        raise IntakeError(f"A rate of {rate:,} samples a second cannot be; use 8,000 or 16,000.")
    return rate


def dtype_of(wanted: Wanted) -> str:
    """Return how samples are stored: waves as they are recorded, spectra as pictures are."""
    return "int16" if wanted.wave else "uint8"


def decode_sound(raw: bytes, wanted: Wanted, choices: Choices) -> NDArray[np.generic]:
    """
    Return the values wanted of a WAV file: 16-bit samples, or an 8-bit log-mel spectrum.

    Longer sounds are cut to their middle, shorter ones followed by silence. Raises IntakeError
    with a reason that continues "… cannot be read:".
    """
    wave = _resampled(*_read(raw), rate_of(wanted, choices))
    if wanted.wave:
        fitted = _fitted(wave, wanted.size)
        whole = np.clip(np.round(fitted * 32_768), -32_768, 32_767).astype(np.int16)
        return whole.reshape(wanted.shape)
    assert wanted.spectrum is not None
    bands, columns = wanted.spectrum
    fitted = _fitted(wave, WINDOW + HOP * (columns - 1))
    return log_mel(fitted, rate_of(wanted, choices), bands).reshape(wanted.shape)


def _read(raw: bytes) -> tuple[NDArray[np.float32], int]:
    """Return samples of one channel in -1..1 and their rate."""
    # Takes half a second that only sounds need.
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # chunks that hold no sound are of no interest
        try:
            rate, values = wavfile.read(BytesIO(raw))
        except MemoryError:
            raise
        except Exception as error:  # the reader raises whatever a damaged file leads it to
            raise IntakeError("the sound is damaged or no WAV") from error
    if rate not in _RATES:
        raise IntakeError(f"it says that it has {rate:,} samples a second")
    if not values.size or values.nbytes > MOST_SAMPLE:
        raise IntakeError("it has no sound" if not values.size else "it is too long")
    if values.dtype.kind == "f":
        wave = values.astype(np.float32)
    elif values.dtype == np.uint8:
        wave = (values.astype(np.float32) - 128) / 128
    else:
        wave = values.astype(np.float32) / -float(np.iinfo(values.dtype).min)
    wave = wave if wave.ndim == 1 else wave.mean(1)
    if not np.isfinite(wave).all():
        raise IntakeError("some of its samples are no numbers (NaN or infinite)")
    return wave, rate


def _resampled(wave: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    if rate == wanted:
        return wave
    from scipy.signal import resample_poly

    common = gcd(rate, wanted)
    if max(rate, wanted) // common > 10_000:
        # A filter for so odd a ratio would be enormous; nobody hears the next round rate.
        rate = round(rate, -2)
        common = gcd(rate, wanted)
    changed: NDArray[np.float32] = resample_poly(wave, wanted // common, rate // common)
    return changed


def _fitted(wave: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    start = max(0, (len(wave) - length) // 2)
    fitted = np.zeros(length, np.float32)
    used = wave[start : start + length]
    fitted[: len(used)] = used
    return fitted
