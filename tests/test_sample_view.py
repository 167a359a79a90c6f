import numpy as np
import torch

from compress_core.sample_view import SIDE, view, words_of


def test_ink_is_dark_on_white_and_points_are_squares() -> None:
    digit = torch.zeros(1, 8, 8, dtype=torch.uint8)
    digit[0, 0, 0], digit[0, 7, 7] = 16, 8
    seen = view("digits", digit)

    assert isinstance(seen, np.ndarray) and seen.shape == (SIDE, SIDE)
    assert (seen[0, 0], seen[100, 100], seen[-1, -1]) == (0, 255, 128)


def test_other_pictures_are_as_they_are_stored_and_spectra_stand_on_their_low_tones() -> None:
    colours = torch.arange(3, dtype=torch.uint8).reshape(3, 1, 1).expand(3, 4, 4) * 100
    seen = view("own", colours)
    assert isinstance(seen, np.ndarray) and seen[0, 0].tolist() == [0, 100, 200]

    spectrum = torch.zeros(1, 32, 64, dtype=torch.uint8)
    spectrum[0, 0] = 255
    seen = view("speech", spectrum)
    assert isinstance(seen, np.ndarray)
    assert seen[-1].min() == 255 and seen[0].max() == 0


def test_floats_of_any_range_are_seen() -> None:
    seen = view("own", torch.tensor([[[-1.0, 1.0], [0.0, 0.0]]]))
    assert isinstance(seen, np.ndarray)
    assert sorted(set(seen.flatten().tolist())) == [0, 128, 255]


def test_rows_of_numbers_movements_and_words() -> None:
    assert view("lander", torch.tensor([0.5, -1.0])) == [0.5, -1.0]
    assert isinstance(view("watch", torch.zeros(6, 128)), np.ndarray)

    numbers = view("reviews", torch.tensor([2, 1, 3, 0, 0], dtype=torch.int32))
    assert numbers == [2, 1, 3, 0, 0]
    assert words_of([2, 1, 3, 0, 0], {"good": 2, "soup": 3}) == "good … soup"
