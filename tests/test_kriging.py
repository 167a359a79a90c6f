import numpy as np
import pytest

from compress_core.kriging import alike, krige

PLACES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [5.0, 5.0]])
VALUES = np.array([0.3, -0.2, 0.1, 1.0])


def test_without_doubt_what_was_measured_comes_back() -> None:
    assert krige(PLACES, VALUES, 2.0, 0.0)(PLACES) == pytest.approx(VALUES)


def test_doubt_draws_to_zero_and_so_does_distance() -> None:
    one = krige(PLACES[:1], np.array([1.0]), 2.0, 0.25)
    assert one(np.array([[0.0, 0.0], [100.0, 0.0]])) == pytest.approx([0.8, 0.0])


def test_a_place_between_two_lies_between_their_values() -> None:
    pair = krige(PLACES[:2], VALUES[:2], 4.0, 0.0)
    middle = pair(np.array([[0.5, 0.0]]))
    assert -0.2 < middle < 0.3


def test_places_are_alike_by_their_distance_alone() -> None:
    found = alike(PLACES, PLACES, 3.0)
    assert np.diag(found) == pytest.approx(1.0)
    assert found == pytest.approx(found.T)
    assert found[0, 1] > found[0, 2] > found[0, 3] > 0


def test_it_changes_at_once_where_something_was_measured() -> None:
    one = krige(PLACES[:1], np.array([1.0]), 2.0, 0.0)
    near, nearer = one(np.array([[0.02, 0.0], [0.01, 0.0]]))
    assert (1 - near) / (1 - nearer) == pytest.approx(2, rel=0.01)
