"""Tiny data sets as people upload them, and what is read of them, in this process."""

import io
import json
import wave
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from compress_core.intake.choices import Choices
from compress_core.intake.listing import PARTS
from compress_core.intake.open_data import open_data
from compress_core.intake.read_apart import REQUEST, SURVEY, serve
from compress_core.intake.store import Manifest
from compress_core.intake.survey import Survey
from compress_core.intake.wanted import Wanted

ANY = Choices()


def picture(values: np.ndarray | None = None, form: str = "PNG", **saved: object) -> bytes:
    """Return the bytes of a picture file; grey and 8 x 8 unless told otherwise."""
    values = np.arange(64, dtype=np.uint8).reshape(8, 8) if values is None else values
    file = io.BytesIO()
    Image.fromarray(values).save(file, form, **saved)
    return file.getvalue()


def sound(values: np.ndarray, rate: int = 8000, channels: int = 1) -> bytes:
    """Return the bytes of a 16-bit WAV file of samples in -1..1."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes((values * 32767).astype("<i2").tobytes())
    return file.getvalue()


def pack(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write a zip, to the byte the same at any hour."""
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def shade(level: int, side: int = 8) -> bytes:
    """Return a picture of one grey."""
    return picture(np.full((side, side), level, np.uint8))


def wanted(*shape: int, labels: tuple[str, ...] = (), tokens: int | None = None) -> Wanted:
    return Wanted(shape=shape, labels=labels, tokens=tokens)


def values_of(path: Path, want: Wanted, choices: Choices = ANY) -> list[np.ndarray | str]:
    """Return every sample in the order of the data set, or why it cannot be read."""
    with open_data(path, want, choices) as listing:
        return [values for _, values in listing.read(np.arange(len(listing)))]


def classes_of(path: Path, want: Wanted, choices: Choices = ANY) -> list[str | None]:
    """Return the class of every sample in the order of the data set."""
    with open_data(path, want, choices) as listing:
        names = (*listing.class_names, None)
        return [names[code] for code in listing.classes]


def survey(path: Path, want: Wanted, folder: Path, choices: Choices = ANY, seed: int = 1) -> Survey:
    """Survey a data set without a process of its own."""
    _serve("survey", path, want, folder, choices, seed)
    return Survey.from_dict(json.loads((folder / SURVEY).read_text()))


def read_parts(
    path: Path, want: Wanted, folder: Path, choices: Choices = ANY, seed: int = 1
) -> tuple[Manifest, list[np.ndarray], list[np.ndarray]]:
    """Return the manifest, and x and y of the three parts (y is empty without labels)."""
    _serve("read", path, want, folder, choices, seed)
    manifest = Manifest.read(folder)
    x, y = [], []
    for name, count in zip(PARTS, manifest.sizes, strict=True):
        values = np.fromfile(folder / f"{name}.x", manifest.dtype)
        x.append(values.reshape(count, *manifest.shape))
        if manifest.labelled:
            y.append(np.fromfile(folder / f"{name}.y", np.int64))
    return manifest, x, y


def _serve(what: str, path: Path, want: Wanted, folder: Path, choices: Choices, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    request = {"do": what, "path": str(path), "seed": seed}
    request |= {"wanted": asdict(want), "choices": asdict(choices)}
    (folder / REQUEST).write_text(json.dumps(request))
    serve(folder)
