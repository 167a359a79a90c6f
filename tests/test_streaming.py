import torch
from hypothesis import given
from hypothesis import strategies as st

from compress_core.streaming import BINS, histogram

batches = st.lists(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=30), min_size=1, max_size=6
)


@given(batches)
def test_nothing_is_lost_and_the_extremes_are_exact(values: list[list[float]]) -> None:
    seen = histogram(torch.tensor(values[0]))
    for batch in values[1:]:
        seen = seen.add(torch.tensor(batch))
    flat = torch.tensor([value for batch in values for value in batch])
    assert seen.counts.sum() == len(flat)
    assert (seen.low, seen.high) == (float(flat.min()), float(flat.max()))
    assert seen.counts.shape == (BINS,)


def test_doubling_the_range_joins_neighbours() -> None:
    seen = histogram(torch.tensor([1.0, -0.6])).add(torch.tensor([1.5]))
    assert seen.reach == 2.0
    occupied = seen.centres[seen.counts > 0]
    assert torch.allclose(occupied, torch.tensor([-0.6, 1.0, 1.5], dtype=torch.float64), atol=2e-3)
