"""What something far simpler reaches."""

import pytest

from compress_core import catalogue
from compress_core.data_sets.baseline import BASELINES, METHODS, logistic, majority
from compress_core.data_sets.table import DATA_SETS
from compress_core.measured import proportion


@pytest.mark.parametrize("data_set", BASELINES)
def test_every_data_set_has_a_baseline(data_set: str) -> None:
    recorded = catalogue.baseline(data_set)
    assert recorded is not None and recorded.method == BASELINES[data_set]
    assert recorded.test.n == len(DATA_SETS[data_set].load().test)


@pytest.mark.parametrize(
    "data_set",
    [
        "breast-cancer",
        "speech",
        "watch",
        "lander",
        "driving",
        pytest.param("reviews", marks=pytest.mark.slow),
        pytest.param("digits", marks=pytest.mark.slow),
        pytest.param("fashion-mnist", marks=pytest.mark.slow),
    ],
)
def test_it_is_measured_again(data_set: str) -> None:
    recorded = catalogue.baseline(data_set)
    assert recorded is not None
    assert METHODS[recorded.method](data_set) == recorded.test


def test_the_most_frequent_answer_is_that_of_the_training_part() -> None:
    # 107 malignant and 179 benign ones to learn from, 63 and 107 to judge by.
    assert majority("breast-cancer") == proportion(107, 170)


def test_a_plain_model_is_better_than_no_model() -> None:
    assert logistic("breast-cancer").low > majority("breast-cancer").high
