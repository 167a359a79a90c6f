from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from compress_core.clipping import CALIBRATIONS
from compress_core.fit_grid import fit_linear
from compress_core.streaming import histogram, histograms


def rounder(bits: int) -> Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]]:
    def make(low: Tensor, high: Tensor) -> Callable[[Tensor], Tensor]:
        grid = fit_linear(low, high, bits, "symmetric", axis=0)
        return lambda values: grid.decode(grid.encode(values.float())).double()

    return make


def with_outlier() -> Tensor:
    values = torch.randn(1, 5000, generator=torch.Generator().manual_seed(1)).double()
    values[0, 17] = 40.0
    return values


def reach(name: str, values: Tensor, counts: Tensor, bits: int = 4) -> float:
    low, high = CALIBRATIONS[name](values, counts, rounder(bits))
    return float(torch.maximum(-low, high))


def test_minmax_covers_the_outlier_and_the_others_do_not() -> None:
    values = with_outlier()
    counts = torch.ones_like(values)
    assert reach("minmax", values, counts) == 40
    assert reach("percentile", values, counts) < 5
    assert reach("mse", values, counts) < 12


def test_mse_finds_the_share_that_a_search_by_hand_finds() -> None:
    values = with_outlier()
    errors = {}
    for share in torch.linspace(1.0, 0.2, 41):
        grid = fit_linear(-40 * share, 40 * share, 4, "symmetric")
        errors[float(40 * share)] = float(
            (grid.decode(grid.encode(values.float())) - values).square().sum()
        )
    best = min(errors, key=lambda share: errors[share])
    _, high = CALIBRATIONS["mse"](values, torch.ones_like(values), rounder(4))
    assert float(high) == pytest.approx(best, rel=1e-6)


def test_entropy_keeps_a_bell_and_clips_a_far_tail() -> None:
    edges = torch.linspace(-40, 40, 1601, dtype=torch.float64)
    centres = ((edges[1:] + edges[:-1]) / 2)[None]
    counts = torch.exp(-(centres**2) / 2) * 1e5
    counts[0, -1] = 1.0
    assert 2.0 < reach("entropy", centres, counts.round(), bits=6) < 30.0


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_every_row_gets_its_own_range_and_never_more_than_it_reaches(name: str) -> None:
    values = torch.randn(3, 400, generator=torch.Generator().manual_seed(2)).double().sort(1).values
    values[1] *= 10
    low, high = CALIBRATIONS[name](values, torch.ones_like(values), rounder(4))
    assert low.shape == high.shape == (3,)
    assert (low >= values.amin(1)).all() and (high <= values.amax(1)).all()
    assert high[1] > 3 * high[0]


def test_rows_of_few_bins_get_the_ranges_that_they_get_alone() -> None:
    generator = torch.Generator().manual_seed(3)
    rows = torch.randn(5, 30, generator=generator) ** 3
    rows[1] = rows[1].abs() + 1
    rows[2, 7:] = 0
    values, counts = histograms(rows)
    together = CALIBRATIONS["entropy"](values, counts, rounder(4))
    for number, row in enumerate(rows):
        seen = histogram(row.double())
        assert torch.equal(counts[number], seen.counts)
        assert torch.equal(values[number], seen.centres)
        alone = CALIBRATIONS["entropy"](seen.centres[None], seen.counts[None], rounder(4))
        assert [end[number] for end in together] == [end[0] for end in alone]
