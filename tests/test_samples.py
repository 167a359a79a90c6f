import numpy as np
import pytest

from compress_core.catalogue import BUILT_IN
from compress_core.samples import CURVES, GAP, Sample, curves, samples, strip

DATA_SETS = tuple(dict.fromkeys(name.split("/")[0] for name in BUILT_IN))


def told(sample: Sample) -> str:
    return repr(sample.tolist() if isinstance(sample, np.ndarray) else sample)


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_can_be_looked_at(name: str) -> None:
    first, second = samples(name, start=1, count=2)
    assert type(first) is type(second)
    assert told(first) == told(samples(name, start=0, count=2)[1])
    assert told(first) != told(second)


@pytest.mark.parametrize(("name", "width"), [("digits", 8), ("fashion-mnist", 28)])
def test_pictures_are_the_data_sets_own(name: str, width: int) -> None:
    pictures = samples(name, start=1, count=2)
    for picture in pictures:
        assert isinstance(picture, np.ndarray)
        assert picture.shape == (width, width) and picture.dtype == np.uint8
        assert picture.max() > 128 and picture.min() == 0


def test_sounds_and_movements_are_squares_as_well() -> None:
    for name in ("speech", "watch"):
        for picture in samples(name):
            assert isinstance(picture, np.ndarray)
            assert picture.shape[0] == picture.shape[1] and picture.dtype == np.uint8


def test_measures_are_those_of_the_table() -> None:
    # The first row of scikit-learn's file: 17.99,10.38,122.8,1001,0.1184,0.2776,0.3001,0.1471,...
    assert samples("breast-cancer", 0, 1) == [
        {"radius": 17.99, "texture": 10.38, "area": 1001.0, "concave points": 0.1471}
    ]


def test_a_rising_line_is_drawn_from_the_lower_left_to_the_upper_right() -> None:
    drawn = curves(np.array([[0.0, 1.0]]))
    rows, columns = np.nonzero(drawn)
    assert set(drawn[rows, columns]) == {255} and set(columns) == set(range(CURVES))
    assert rows[columns == 0].min() > CURVES - 6 and rows[columns == CURVES - 1].max() < 6


def test_a_strip_enlarges_without_smoothing() -> None:
    picture = np.array([[0, 255], [128, 0]], np.uint8)
    laid = strip([picture, picture], pixels=5)
    assert laid.shape == (6, 6 + GAP + 6, 4)
    assert np.array_equal(laid[::3, :6:3, 0], 255 - picture)
    assert set(np.unique(laid[..., 3])) == {0, 255}
