"""
Make `assets/speech/speech.npz` from the telephone prompts of Asterisk. Needed once.

    for language in en es fr it ru; do apt-get download asterisk-core-sounds-$language-wav; done
    for file in asterisk-core-sounds-*.deb; do dpkg -x $file unpacked; done
    python -m compress_core.data_sets.speech_file unpacked/usr/share/asterisk/sounds

Writes *x* (windows x bands x columns, log-mel), *y* (language) and *prompt*: prompts of one name
say the same in every language, and all have one number.
"""

import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from compress_core.data_sets.data_set import ASSETS
from compress_core.data_sets.speech import BANDS, COLUMNS
from compress_core.spectrum import HOP, WINDOW, log_mel

VOICES = ("en_US_f_Allison", "es_MX_f_Allison", "fr_CA_f_June", "it_IT_m_Carlo",
          "ru_RU_f_IvrvoiceRU")  # fmt: skip
"""Folders, in the order of `speech.LABELS`."""
WORDLESS = ("silence/*", "beep", "beeperr", "*-2tone", "tt-monkeys")
"""Prompts in which nobody says anything."""
RATE = 8_000
"""Samples a second of all prompts."""
LENGTH = WINDOW + HOP * (COLUMNS - 1)
"""Samples of a window: 1.04 s."""
MOST_WINDOWS = 3
"""Of one prompt, so that a few long ones do not outweigh the rest."""
QUIETEST_PEAK = 1_000
"""Of 32,768; a window without a louder sample is a pause."""


def main() -> None:
    """Write the spectra of all windows, with language and number of the prompt."""
    folder = Path(sys.argv[1])
    prompts = [_prompts(folder / voice) for voice in VOICES]
    names = sorted(set().union(*prompts))
    rows = [
        (log_mel(window, RATE, BANDS), language, number)
        for language, files in enumerate(prompts)
        for number, name in enumerate(names)
        if name in files
        for window in windows(files[name])
    ]
    x, y, prompt = zip(*rows, strict=True)
    np.savez_compressed(
        ASSETS / "speech" / "speech.npz",
        x=np.stack(x),
        y=np.array(y, np.uint8),
        prompt=np.array(prompt, np.uint16),
    )


def windows(file: Path) -> Iterator[NDArray[np.float32]]:
    """Yield the first seconds of a prompt in -1..1; the last one is kept if half is sound."""
    rate, wave = wavfile.read(file)
    assert (rate, wave.dtype, wave.ndim) == (RATE, np.int16, 1)
    for start in range(0, LENGTH * MOST_WINDOWS, LENGTH):
        part = wave[start : start + LENGTH]
        if start and len(part) < LENGTH // 2:  # a short prompt is kept: there is no more of it
            return
        if np.abs(part.astype(int)).max(initial=0) >= QUIETEST_PEAK:
            yield np.pad(part, (0, LENGTH - len(part))).astype(np.float32) / np.float32(32_768)


def _prompts(folder: Path) -> dict[str, Path]:
    names = {str(p.relative_to(folder).with_suffix("")): p for p in folder.rglob("*.wav")}
    return {
        name: path
        for name, path in names.items()
        if not any(fnmatch(name, pattern) for pattern in WORDLESS)
    }


if __name__ == "__main__":
    main()
