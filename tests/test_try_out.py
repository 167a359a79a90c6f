from dataclasses import replace
from math import log

import pytest
import torch
from torch import Tensor, nn

from compress_core import try_out
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Part
from compress_core.network import from_module
from compress_core.recipe import Recipe
from compress_core.try_out import Answer, Answers, answers, first_differences, timed

SWAPPED = torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])


def echo(after: Tensor) -> Compressed:
    """A network that puts out what it reads, and one that multiplies it by *after*."""
    linear = nn.Linear(3, 3)
    linear.load_state_dict({"weight": torch.eye(3), "bias": torch.zeros(3)})
    network = from_module(nn.Sequential(linear), (3,), ("a", "b", "c"), "echo")
    return compress(network, Recipe()).with_values({"0.weight": after})


def part(*classes: int) -> Part:
    """Samples that the original answers with these classes; labelled with the next one."""
    y = torch.tensor(classes)
    x = 5 * nn.functional.one_hot(y, 3).float()
    return Part(name="validation", x=x, y=(y + 1) % 3)


def test_both_answer_with_shares_that_sum_to_one() -> None:
    x = torch.tensor([[log(1), log(2), log(5)]])
    said = answers(echo(SWAPPED), x)

    assert said.original.probabilities == pytest.approx((0.125, 0.25, 0.625))
    assert said.compressed.probabilities == pytest.approx((0.25, 0.125, 0.625))
    assert said.agree and said.original.predicted == 2


def test_what_is_no_number_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no number"):
        answers(echo(torch.eye(3)), torch.tensor([[0.0, float("nan"), 0]]))


def test_the_likeliest_classes_name_both_answers() -> None:
    first = Answer(probabilities=(0.5, 0.4, 0.1, 0.0))
    second = Answer(probabilities=(0.35, 0.3, 0.0, 0.35001))
    said = Answers(original=first, compressed=second)

    assert said.likeliest(2) == [0, 3]
    assert said.likeliest(3) == [0, 1, 3]
    assert said.likeliest(9) == [0, 1, 3, 2]


def test_differences_come_in_order_with_truth_and_answers() -> None:
    found = first_differences(echo(SWAPPED), part(2, 0, 2, 1, 2))

    assert [each.sample for each in found.found] == [1, 3]
    assert [each.truth for each in found.found] == [1, 2]
    assert [each.answers.compressed.predicted for each in found.found] == [1, 0]
    assert (found.looked_at, found.part) == (5, "validation")


def test_looking_ends_behind_the_last_difference_that_is_told() -> None:
    found = first_differences(echo(SWAPPED), part(2, 0, 2, 1, 0), most=2)

    assert [each.sample for each in found.found] == [1, 3]
    assert found.looked_at == 4


def test_looking_ends_when_the_budget_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nine multiplications a sample: 250 samples are affordable, which is two batches.
    monkeypatch.setattr(try_out, "BUDGET", 9 * 250)
    many = part(*[2] * 200, *[0] * 50)

    assert first_differences(echo(SWAPPED), many).looked_at == 200
    assert not first_differences(echo(SWAPPED), many).found


def test_without_samples_nothing_is_found() -> None:
    found = first_differences(echo(SWAPPED), part(0).head(0))
    assert (found.found, found.looked_at) == ((), 0)


def test_both_are_timed_as_files() -> None:
    times = timed(echo(SWAPPED), torch.ones(1, 3))
    assert times.before > 0 and times.after > 0 and times.rounds >= 15


def test_what_cannot_be_written_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    compressed = echo(SWAPPED)
    odd = replace(compressed, network=replace(compressed.network, input_shape=(4,)))

    with pytest.raises(ValueError, match="cannot be written as ONNX"):
        timed(odd, torch.ones(1, 3))
