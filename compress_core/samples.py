"""
A few samples of each data set as somebody can look at them, out of the data set's own files.

Knows no torch, so that a page of cards is painted at once.
"""

import gzip
import io
import json
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from math import cos, sin
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.catalogue import ASSETS

GAP = 24
"""Pixels between two pictures of a strip."""

Picture = NDArray[np.uint8]
"""Height x width, 0 is empty and 255 is ink; or height x width x RGB, as it is."""
Measures = dict[str, float]
"""A sample of a few named numbers."""
Sample = Picture | Measures | str

CURVES = 160
"""Pixels of the side of a picture of curves."""
STRIDE = 997
"""Between samples that lie sorted in their file, so that neighbours on a card differ."""


def samples(data_set: str, start: int = 0, count: int = 3) -> list[Sample]:
    """Return samples from number *start* on; those of one data set are all of one type."""
    read = _SAMPLES[data_set]
    return [read(number) for number in range(start, start + count)]


def strip(pictures: list[Picture], pixels: int) -> NDArray[np.uint8]:
    """
    Lay *pictures* side by side on transparent ground: height x width x RGBA, dark ink on white.

    Every sample becomes a square of at least *pixels*, each of its points a square as well.
    """
    factor = -(-pixels // pictures[0].shape[0])
    tiles = []
    for picture in pictures:
        colours = picture if picture.ndim == 3 else np.dstack([255 - picture] * 3)
        colours = colours.repeat(factor, 0).repeat(factor, 1)
        opaque = np.full(colours.shape[:2], 255, np.uint8)
        tiles += [np.dstack([colours, opaque]), np.zeros((len(colours), GAP, 4), np.uint8)]
    return np.hstack(tiles[:-1])


def curves(values: NDArray[Any]) -> Picture:
    """Draw the rows of *values* (curves x steps) over each other, the first one darkest."""
    low, high = float(values.min()), float(values.max())
    drawn = np.zeros((CURVES, CURVES), np.uint8)
    places = np.linspace(0, values.shape[1] - 1, CURVES)
    rows = np.arange(CURVES)[:, None]
    for ink, curve in reversed([*zip((255, 150, 80), values, strict=False)]):
        heights = np.interp(places, np.arange(len(curve)), curve)
        y = (high - heights) / ((high - low) or 1) * (CURVES - 3)
        after = np.append(y[1:], y[-1])
        # Two pixels thick, and as tall as it takes to meet the next column.
        drawn[(rows >= np.minimum(y, after)) & (rows <= np.maximum(y, after) + 2)] = ink
    return drawn


def _garment(number: int) -> Picture:
    # IDX: 16 bytes of header, then 28 x 28 bytes a picture.
    with gzip.open(ASSETS / "fashion-mnist" / "t10k-images-idx3-ubyte.gz") as file:
        raw = file.read(16 + (number + 1) * 784)[-784:]
    return np.frombuffer(raw, np.uint8).reshape(28, 28)


def _digit(number: int) -> Picture:
    # Read from scikit-learn's file: importing the package would take a second.
    levels = np.array(_sklearn_rows("digits.csv.gz")[number][:64], dtype=float)
    return (levels / 16 * 255).astype(np.uint8).reshape(8, 8)


def _sound(number: int) -> Picture:
    sounds = _stored("speech")["x"]
    spectrum = sounds[(number + 1) * STRIDE % len(sounds)]
    # Low tones at the bottom; bands twice as tall as columns are wide make a square.
    return np.ascontiguousarray(spectrum[::-1].repeat(2, 0))


def _movement(number: int) -> Picture:
    stored = _stored("watch")
    ends = np.cumsum(stored["length"])
    end = int(ends[number * STRIDE % len(ends)])
    # Four seconds before the end, of the three directions in which the wrist is pushed.
    return curves(stored["x"][end - 300 : end - 100, :3].T)


def _patient(number: int) -> Measures:
    names, rows = _MEASURES, _sklearn_rows("breast_cancer.csv")
    return {name: float(rows[1 + number * STRIDE % (len(rows) - 1)][at]) for name, at in names}


def _landing(number: int) -> Picture:
    states = _stored("lander")["x"]
    return landing(*states[number * STRIDE % len(states)][:5].tolist())


def _ride(number: int) -> Picture:
    pictures = _stored("driving")["x"]
    # The road is dark as in the game, and ink is dark.
    return np.asarray(255 - pictures[(number + 1) * STRIDE % len(pictures), 0], np.uint8)


def _photo(number: int) -> Picture:
    # Imported here: only these samples need it.
    from PIL import Image

    stored = _stored("photos")
    at = (number + 1) * STRIDE % len(stored["ends"])
    start = int(stored["ends"][at - 1]) if at else 0
    file = stored["files"][start : int(stored["ends"][at])].tobytes()
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def landing(sideways: float, height: float, drift: float, rise: float, angle: float) -> Picture:
    """
    Draw a landing craft above its pad, and by a line where its speed takes it in a second.

    The numbers are the game's own; the picture is 15 metres wide and tall.
    """
    rows, columns = np.mgrid[0:CURVES, 0:CURVES]
    x, y = (columns / CURVES - 0.5) * 15, 12.5 - rows / CURVES * 15
    at_x, at_y, speed_x, speed_y = 10 * sideways, 6.67 * height, 5 * drift, 7.5 * rise
    drawn = np.where(np.abs(y + 0.6) < 0.08, 120, 0)
    drawn[(np.abs(np.abs(x) - 2) < 0.1) & (y > -0.6) & (y < 0.6)] = 255
    for share in np.linspace(0, 1, 60):
        near = np.hypot(x - at_x - share * speed_x, y - at_y - share * speed_y) < 0.1
        drawn[near & (y > -0.6)] = 130
    along = (x - at_x) * cos(angle) + (y - at_y) * sin(angle)
    across = (y - at_y) * cos(angle) - (x - at_x) * sin(angle)
    feet = (np.abs(np.abs(along) - 0.8) < 0.18) & (across > -0.6) & (across < 0.1)
    drawn[feet | ((np.abs(along) < 0.7) & (np.abs(across) < 0.4))] = 255
    return drawn.astype(np.uint8)


def _review(number: int) -> str:
    short = _short_reviews()
    return short[number * STRIDE % len(short)]


@cache
def _short_reviews() -> list[str]:
    packed = (ASSETS / "reviews" / "reviews.json.gz").read_bytes()
    texts = [text for _, text, _ in json.loads(gzip.decompress(packed))]
    # Without what a page would take for markup.
    return [text for text in texts if 50 < len(text) < 90 and not set(text) & set("<$*_`[")]


_MEASURES = (("radius", 0), ("texture", 1), ("area", 3), ("concave points", 7))
"""Which of thirty measures are shown, and their column."""


@cache
def _sklearn_rows(file: str) -> list[list[str]]:
    spec = find_spec("sklearn")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent / "datasets" / "data" / file
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    return [line.split(",") for line in text.splitlines()]


@lru_cache(maxsize=1)
def _stored(name: str) -> dict[str, NDArray[Any]]:
    return dict(np.load(ASSETS / name / f"{name}.npz", allow_pickle=False))


_SAMPLES: dict[str, Callable[[int], Sample]] = {
    "digits": _digit,
    "fashion-mnist": _garment,
    "speech": _sound,
    "watch": _movement,
    "breast-cancer": _patient,
    "reviews": _review,
    "lander": _landing,
    "driving": _ride,
    "photos": _photo,
}
