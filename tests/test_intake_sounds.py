import io

import numpy as np
import pytest
from scipy.io import wavfile

from compress_core.intake.choices import Choices
from compress_core.intake.sounds import decode_sound
from compress_core.refusal import IntakeError
from compress_core.spectrum import log_mel
from tests.uploads import sound, wanted

RATE = Choices(rate=8000)


def tone(hertz: float, rate: int = 8000, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


def test_a_wave_of_the_right_rate_and_length_is_not_touched() -> None:
    values = tone(440)
    given = decode_sound(sound(values), wanted(1, 8000), RATE)
    assert given.dtype == np.int16
    assert given[0].tolist() == (values * 32767).astype(np.int16).tolist()


def test_two_channels_become_their_mean() -> None:
    both = np.stack([np.full(100, 0.5), np.full(100, 0.1)], 1)
    given = decode_sound(sound(both.reshape(-1), channels=2), wanted(100), RATE)
    assert given.tolist() == pytest.approx([0.3 * 32768] * 100, abs=2)


def test_short_sounds_end_in_silence_and_long_ones_lose_both_ends() -> None:
    short = decode_sound(sound(np.full(3, 0.5)), wanted(5), RATE)
    assert short.tolist() == pytest.approx([16384] * 3 + [0, 0], abs=1)
    ramp = np.arange(9) / 10
    assert decode_sound(sound(ramp), wanted(3), RATE).tolist() == pytest.approx(
        [0.3 * 32768, 0.4 * 32768, 0.5 * 32768], abs=2
    )


def test_another_rate_is_the_same_tone() -> None:
    given = decode_sound(sound(tone(440, 44_100), 44_100), wanted(8000), RATE)
    spectrum = np.abs(np.fft.rfft(given))
    assert spectrum.argmax() == 440  # one second: bins are hertz
    assert np.abs(given[100:-100] / 32768 - tone(440)[100:-100]).max() < 0.01


@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 64, 128, 192], np.uint8),
        np.array([-32768, -16384, 0, 16384], np.int16),
        np.array([-(2**31), -(2**30), 0, 2**30], np.int32),
        np.array([-1, -0.5, 0, 0.5], np.float32),
        np.array([-1, -0.5, 0, 0.5], np.float64),
    ],
    ids=lambda values: values.dtype.name,
)
def test_every_way_to_store_samples_is_read(values: np.ndarray) -> None:
    file = io.BytesIO()
    wavfile.write(file, 8000, values)
    given = decode_sound(file.getvalue(), wanted(4), RATE)
    assert given.tolist() == [-32768, -16384, 0, 16384]


def test_a_tone_lights_up_its_band() -> None:
    given = decode_sound(sound(tone(1000)), wanted(1, 32, 50), RATE)
    assert given.shape == (1, 32, 50)
    assert given.dtype == np.uint8
    mel = [2595 * np.log10(1 + hertz / 700) for hertz in (60, 1000, 4000)]
    band = (mel[1] - mel[0]) / (mel[2] - mel[0]) * 33 - 1
    assert given[0].mean(1).argmax() == pytest.approx(band, abs=1)


def test_louder_by_ten_decibels_is_brighter_by_a_tenth() -> None:
    quiet, loud = (log_mel(np.float32(tone(1000) * f), 8000, 32) for f in (0.1, 0.1 * 10**0.5))
    peak = quiet.mean(1).argmax()
    assert np.ptp(loud[peak].astype(int) - quiet[peak] - 25) <= 1
    assert (loud[peak].astype(int) - quiet[peak]).mean() == pytest.approx(25.5, abs=0.6)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (sound(np.zeros(0)), "no sound"),
        (sound(tone(440))[:30], "damaged"),
        (b"RIFF\0\0\0\0WAVE", "damaged"),
        (sound(tone(440), rate=100), "100 samples a second"),
    ],
    ids=["empty", "cut", "a header alone", "no rate"],
)
def test_what_is_no_sound_says_so(raw: bytes, reason: str) -> None:
    with pytest.raises(IntakeError, match=reason):
        decode_sound(raw, wanted(100), RATE)


def test_samples_that_are_no_numbers_are_refused() -> None:
    file = io.BytesIO()
    wavfile.write(file, 8000, np.array([0, np.nan, np.inf], np.float32))
    with pytest.raises(IntakeError, match="NaN"):
        decode_sound(file.getvalue(), wanted(3), RATE)
