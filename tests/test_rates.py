"""Sensitivity and specificity, from the shares of two classes."""

import pytest
import torch

from compress_core.data import Part
from compress_core.data_sets.table import DATA_SETS
from compress_core.evaluate import Answers, judge
from compress_core.measured import proportion
from compress_core.rates import LOOKED_FOR, Rates, rates

NAME = "breast-cancer/mlp"


def test_they_are_counted_on_the_samples_of_their_class() -> None:
    # Malignant is 0: three of four are found, one of two benign ones is taken for malignant.
    y, predicted = torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 1, 1, 0])
    part = Part(name="test", x=torch.zeros(6, 30), y=y)
    per_class = judge(Answers(predicted, torch.zeros(6)), part, 2).per_class
    assert rates(NAME, per_class) == Rates(
        found="malignant",
        other="benign",
        sensitivity=proportion(3, 4),
        specificity=proportion(1, 2),
    )


def test_nothing_is_said_before_both_classes_were_counted() -> None:
    assert rates(NAME, ()) is None
    assert rates(NAME, (None, proportion(1, 2))) is None
    assert rates(NAME, (proportion(1, 2), None)) is None


def test_other_networks_look_for_nothing() -> None:
    two = (proportion(1, 2), proportion(1, 2))
    assert rates("reviews/conv", two) is None
    assert rates("own/abc", two) is None


@pytest.mark.parametrize("data_set", LOOKED_FOR)
def test_the_classes_are_those_of_the_data_set(data_set: str) -> None:
    assert DATA_SETS[data_set].load().labels == LOOKED_FOR[data_set]
