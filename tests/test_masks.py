import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from compress_core.masks import (
    GUARD,
    drop_lowest,
    keep_above,
    keep_by_share,
    keep_globally,
    keep_n_of_m,
)

# Few different values, so that ties are the rule.
scores = st.lists(st.sampled_from([0.0, 0.0, 0.5, 0.5, 1.0, 2.0]), min_size=1, max_size=60).map(
    torch.tensor
)
shares = st.floats(0, 1, exclude_max=True)


def dropped(mask: Tensor) -> int:
    return int((~mask).sum())


@given(scores, st.data())
def test_exactly_so_many_are_dropped_and_none_that_is_higher(
    score: Tensor, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(score)))
    mask = drop_lowest(score, count)
    assert dropped(mask) == count
    if 0 < count < len(score):
        assert score[~mask].max() <= score[mask].min()


def test_of_equal_scores_the_first_go() -> None:
    assert drop_lowest(torch.zeros(4), 2).tolist() == [False, False, True, True]
    assert drop_lowest(torch.tensor([1.0, 0.0, 1.0, 0.0]), 3).tolist() == [
        False, False, True, False,
    ]  # fmt: skip


def test_a_mask_has_the_shape_of_its_score() -> None:
    score = torch.arange(24.0).reshape(2, 3, 4)
    assert drop_lowest(score, 12)[0].any() == torch.tensor(False)
    assert drop_lowest(score, 12)[1].all()


@given(scores, shares)
def test_a_share_is_met_to_one_element(score: Tensor, sparsity: float) -> None:
    mask = keep_by_share(score, sparsity)
    assert abs(dropped(mask) - sparsity * len(score)) <= 1
    assert mask.any()


@pytest.mark.parametrize(
    ("n", "sparsity", "gone"),
    [(1, 0.4, 0), (1, 0.99, 0), (2, 0.5, 1), (2, 0.99, 1), (10, 0.84, 8), (10, 0.86, 9),
     (150, 0.999, 149), (1000, 0.1234, 123)],
)  # fmt: skip
def test_shares_of_few(n: int, sparsity: float, gone: int) -> None:
    assert dropped(keep_by_share(torch.arange(float(n)), sparsity)) == gone


@given(st.lists(scores, min_size=1, max_size=5), shares)
def test_a_global_share_is_met_over_all_layers(layers: list[Tensor], sparsity: float) -> None:
    masks = keep_globally({str(i): score for i, score in enumerate(layers)}, sparsity)
    total = sum(map(len, layers))
    guarded = sum(max(1, int(GUARD * len(score))) for score in layers)
    asked = min(round(sparsity * total), total - guarded)
    assert sum(dropped(mask) for mask in masks.values()) == asked
    assert all(mask.any() for mask in masks.values())


def test_globally_the_lowest_of_all_go_but_one_of_each_layer_stays() -> None:
    masks = keep_globally(
        {"large": torch.tensor([5.0, 6.0, 7.0]), "small": torch.tensor([0.1, 0.2, 0.3])}, 0.5
    )
    # Three of six: 0.1 and 0.2, while 0.3 is guarded, and then 5.
    assert masks["large"].tolist() == [False, True, True]
    assert masks["small"].tolist() == [False, False, True]


def test_the_guard_keeps_its_share_of_the_highest() -> None:
    masks = keep_globally({"a": torch.rand(1000), "b": 1 + torch.rand(1000)}, 0.5)
    assert dropped(masks["a"]) == 995
    assert dropped(masks["b"]) == 5


def test_a_threshold_drops_what_is_below_and_keeps_what_equals_it() -> None:
    score = torch.tensor([0.0, 0.2, 0.3, 0.4])
    assert keep_above(score, 0.3).tolist() == [False, False, True, True]
    assert keep_above(score, 0.0).all()


def test_above_everything_the_highest_is_left() -> None:
    assert keep_above(torch.tensor([0.1, 0.9, 0.5]), 100.0).tolist() == [False, True, False]
    assert keep_above(torch.zeros(3), 1.0).sum() == 1
    assert dropped(keep_above(torch.rand(1000), 2.0)) == 995


def test_two_of_four_along_the_inputs() -> None:
    score = torch.tensor([[1.0, 4.0, 3.0, 2.0, 9.0, 9.0, 9.0, 9.0], [0.0] * 8])
    assert keep_n_of_m(score, 2, 4).int().tolist() == [
        [0, 1, 1, 0, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 1, 0, 0],
    ]


@given(st.integers(1, 3), st.integers(1, 11), st.integers(1, 3), st.sampled_from([(1, 4), (2, 4)]))
def test_no_group_keeps_more_than_n(
    outputs: int, inputs: int, kernel: int, pattern: tuple[int, int]
) -> None:
    n, m = pattern
    score = torch.rand(outputs, inputs, kernel, generator=torch.Generator().manual_seed(inputs))
    mask = keep_n_of_m(score, n, m)
    assert mask.shape == score.shape
    for group, values in zip(mask.split(m, 1), score.split(m, 1), strict=True):
        assert (group.sum(1) == min(n, group.shape[1])).all()
        lowest_kept = values.masked_fill(~group, torch.inf).amin(1)
        assert (values.masked_fill(group, -torch.inf).amax(1) <= lowest_kept).all()
