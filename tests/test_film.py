from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageSequence

from compress_core import film


def shown(gif: bytes) -> list[Image.Image]:
    with Image.open(BytesIO(gif)) as picture:
        assert picture.format == "GIF"
        return [frame.convert("RGB") for frame in ImageSequence.Iterator(picture)]


def shades(*values: int) -> np.ndarray:  # type: ignore[type-arg]
    """A film of one grey after another."""
    return np.stack([np.full((20, 40, 3), value, np.uint8) for value in values])


def test_a_shorter_film_rests_on_its_last_picture_and_the_line_goes_on() -> None:
    frames = shown(film.moving(shades(0, 80), 4))

    assert [frame.getpixel((0, 0)) for frame in frames] == [(0,) * 3, *[(80,) * 3] * 3]
    assert frames[0].size == (40, 20 + film.LINE)
    # A quarter of the line is white at first, all of it in the end.
    lines = [[frame.getpixel((x, 24)) for x in (5, 15, 25, 35)] for frame in frames]
    whites = [row.count((255, 255, 255)) for row in lines]
    assert whites == [1, 2, 3, 4]


def test_the_mark_is_a_notch_in_the_line() -> None:
    first, *_ = shown(film.moving(shades(0, 80, 160, 240), 4, mark=2))
    dark = [x for x in range(40) if first.getpixel((x, 24)) == (0, 0, 0)]
    assert dark == [20, 21, 22, 23]


def test_a_very_long_game_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "MOST_PICTURES", 3)
    assert len(shown(film.moving(shades(0, 50, 100, 150, 200), 5))) == 3


def test_films_in_one_file_come_back_in_order_and_equal_ones_are_equal_files() -> None:
    films = [bytes([number]) for number in range(12)]
    assert film.unpack(film.pack(films)) == films
    assert film.pack(films) == film.pack(films)
