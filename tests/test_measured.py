import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_core.measured import Measured, proportion


# Expected ends: Wilson's interval as in R's prop.test(k, n, correct = FALSE).
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.27753),
        (5, 10, 0.23659, 0.76341),
        (10, 10, 0.72247, 1.0),
        (9051, 10_000, 0.89920, 0.91069),
        # Newcombe, 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
    ],
)
def test_the_interval_is_wilsons(successes: int, n: int, low: float, high: float) -> None:
    found = proportion(successes, n)
    assert found == Measured(
        successes / n, n, pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5)
    )


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_contains_the_value_and_lies_within_zero_and_one(
    counted: tuple[int, int],
) -> None:
    found = proportion(*counted)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@given(st.integers(1, 1000), st.integers(2, 50))
def test_more_samples_give_a_narrower_interval(n: int, times: int) -> None:
    few, many = proportion(n // 2, n), proportion(n // 2 * times, n * times)
    assert many.high - many.low < few.high - few.low


def test_nothing_counted_is_no_accuracy() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        proportion(0, 0)
