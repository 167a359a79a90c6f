"""A game as two networks play it, as moving pictures: encoded for a browser."""

from collections.abc import Sequence
from io import BytesIO
from zipfile import ZipFile, ZipInfo

import numpy as np
from PIL import Image

from compress_core.games.game import Array

PICTURE_SECONDS = 0.08
"""For which each picture is seen."""
MOST_PICTURES = 250
"""Of a film; the rest of a longer game is left out."""
LINE, NOTCH = 8, 4
"""Pixels."""
ROUNDS = 3
"""Times that a film is shown before it rests."""


def moving(pictures: Array, length: int, mark: int | None = None) -> bytes:
    """
    Return a GIF of *pictures* (count x height x width x 3, uint8) of *length* pictures.

    A shorter film rests on its last picture, so that two of one length run side by side. A line
    at the bottom says how far it is; picture *mark* has a mark on it.
    """
    length = min(length, MOST_PICTURES)
    shown = pictures[:length]
    last = np.repeat(shown[-1:], length - len(shown), axis=0)
    frames = [
        Image.fromarray(_with_line(picture, (number + 1) / length, mark and mark / length))
        for number, picture in enumerate((*shown, *last))
    ]
    file = BytesIO()
    frames[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 * PICTURE_SECONDS),
        loop=ROUNDS - 1,
    )
    return file.getvalue()


def pack(films: Sequence[bytes]) -> bytes:
    """Return several films as one file; `unpack` gives them back."""
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for number, film in enumerate(films):
            # Of no time, so that equal films are equal files.
            archive.writestr(ZipInfo(f"{number}.gif"), film)
    return file.getvalue()


def unpack(raw: bytes) -> list[bytes]:
    """Return the films that `pack` put together, in their order."""
    with ZipFile(BytesIO(raw)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _with_line(picture: Array, done: float, mark: float | None) -> Array:
    """Return a picture over a line that is white as far as *done*, with a black notch at *mark*."""
    width = picture.shape[1]
    line = np.full((LINE, width, 3), 110, np.uint8)
    line[:, : round(done * width)] = 255
    if mark is not None:
        place = min(width - NOTCH, round(mark * width))
        line[:, place : place + NOTCH] = 0
    return np.concatenate([picture, line])
