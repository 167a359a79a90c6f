import pytest

from compress_core.control import ControlPoint, load_control, smallest_bytes
from compress_core.measured import proportion


def point(packed_bytes: int, right: int) -> ControlPoint:
    accuracy = proportion(right, 100)
    return ControlPoint(width=1, packed_bytes=packed_bytes, validation=accuracy, test=accuracy)


CURVE = (point(1000, 80), point(4000, 90))


def test_between_two_points_bytes_follow_their_logarithm() -> None:
    assert smallest_bytes(CURVE, 0.85) == pytest.approx(2000)
    assert smallest_bytes(CURVE, 0.90) == pytest.approx(4000)


def test_at_the_ends_nothing_is_made_up() -> None:
    assert smallest_bytes(CURVE, 0.5) == 1000
    assert smallest_bytes(CURVE, 0.95) is None
    assert smallest_bytes((), 0.5) is None


def test_the_shipped_curve_grows_and_is_measured_on_both_parts() -> None:
    curve = load_control("digits/simple-nn")
    assert len(curve) >= 4
    assert [p.packed_bytes for p in curve] == sorted(p.packed_bytes for p in curve)
    assert all(p.test.n == p.validation.n == 360 for p in curve)
