from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compress_core.histogram import weight_histogram

SEEDS = st.integers(0, 2**31)


def weights(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(seed=SEEDS, bins=st.integers(1, 200), dropped=st.floats(0, 1))
def test_every_weight_is_counted_once(seed: int, bins: int, dropped: float) -> None:
    weight = weights(seed, 20, 30)
    mask = torch.rand(20, 30, generator=torch.Generator().manual_seed(seed)) >= dropped
    histogram = weight_histogram([weight], [weight], [mask], bins)
    assert len(histogram.edges) == bins + 1
    assert sum(histogram.original) == 600
    assert sum(histogram.kept) == int(mask.sum())
    assert [k + g for k, g in zip(histogram.kept, histogram.gone, strict=True)] == list(
        histogram.original
    )
    assert histogram.removed == pytest.approx(1 - float(mask.double().mean()))


def test_counts_are_those_of_a_hand_made_layer() -> None:
    weight = torch.tensor([-3.0, -1.0, 0.0, 0.4, 1.0, 3.0])
    mask = torch.tensor([True, False, False, False, True, True])
    histogram = weight_histogram([weight], [weight], [mask], bins=3)
    assert list(histogram.edges) == [-3, -1, 1, 3]
    assert histogram.original == (1, 3, 2)
    assert histogram.kept == (1, 0, 2)
    assert histogram.gone == (0, 3, 0)
    assert histogram.cut == 1
    assert histogram.largest == 3
    assert histogram.energy == pytest.approx((1 + 0 + 0.16) / (9 + 1 + 0.16 + 1 + 9))


def test_there_is_no_cut_where_a_smaller_weight_stays() -> None:
    weight = torch.tensor([1.0, 2.0, 3.0])
    assert weight_histogram([weight], [weight], [torch.tensor([True, False, True])]).cut is None
    assert weight_histogram([weight], [weight], [None]).cut is None


def test_removed_channels_are_gone() -> None:
    before = weights(1, 8, 10)
    histogram = weight_histogram([before], [before[:6]], [None])
    assert sum(histogram.gone) == 20
    assert histogram.removed == 0.25
    assert histogram.energy == 0


def test_folded_weights_are_counted_where_they_are_now() -> None:
    before = weights(2, 8, 10)
    mask = before.abs() > 0.5
    histogram = weight_histogram([before], [before * 3], [mask])
    assert sum(histogram.gone) == int((~mask).sum())
    assert sum(histogram.kept) == int(mask.sum())
    assert histogram.folded
    assert not weight_histogram([before], [before], [mask]).folded


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_equal_weights_have_a_range(value: float) -> None:
    histogram = weight_histogram([torch.full((4,), value)], [torch.full((4,), value)], [None])
    assert all(low < high for low, high in pairwise(histogram.edges))
    assert sum(histogram.kept) == 4


def test_outliers_are_in_the_outermost_bins() -> None:
    weight = torch.cat([torch.linspace(-1, 1, 9_999), torch.tensor([100.0])])
    histogram = weight_histogram([weight], [weight], [None])
    assert histogram.edges[-1] <= 1
    assert sum(histogram.original) == 10_000


def test_layers_are_put_together() -> None:
    a, b = weights(3, 5, 5), weights(4, 7)
    both = weight_histogram([a, b], [a, b], [None, torch.zeros(7, dtype=torch.bool)])
    assert sum(both.original) == 32
    assert both.removed == pytest.approx(7 / 32)
