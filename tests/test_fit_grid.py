import pytest
import torch
from sklearn.cluster import KMeans

from compress_core.fit_grid import fit_codebook, fit_linear, fit_power_of_two
from compress_core.grids import Grid


def gaussian(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))


def error(values: torch.Tensor, grid: Grid) -> float:
    return float((grid.decode(grid.encode(values)) - values).square().mean())


def test_power_of_two_values_are_zero_and_powers() -> None:
    grid = fit_power_of_two(torch.tensor(-0.9), torch.tensor(0.3), bits=3)
    assert grid.values().tolist() == [[-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]]
    # Nearest on the line: 0.7 is nearer to 0.5 than to 1, 0.1 nearer to 0 than to 0.25.
    values = torch.tensor([0.7, 0.8, 0.1, -0.13])
    assert grid.decode(grid.encode(values)).tolist() == [0.5, 1.0, 0.0, -0.25]


def test_codebook_is_as_good_as_scikit_learns_k_means() -> None:
    values = gaussian(2000)
    ours = error(values, fit_codebook(values, bits=3))
    theirs = KMeans(8, n_init=3, random_state=0).fit(values[:, None].numpy()).inertia_ / 2000
    # One of our eight values is pinned to zero, so that pruned weights stay zero.
    assert ours <= 1.25 * theirs


def test_codebook_holds_few_distinct_values_exactly() -> None:
    values = torch.tensor([[0.0, 0.5, -2.0], [0.5, 0.0, 1.0]])
    grid = fit_codebook(values, bits=2, axis=None)
    assert torch.equal(grid.decode(grid.encode(values)), values)


@pytest.mark.parametrize("group_size", [4, 5, 7])
def test_groups_have_a_scale_each_and_keep_the_shape(group_size: int) -> None:
    weight = gaussian(6, 3, 3, 3)
    rows = torch.nn.functional.pad(weight.flatten(1), (0, -27 % group_size))
    rows = rows.reshape(-1, group_size)
    grid = fit_linear(rows.amin(1), rows.amax(1), 4, "symmetric", 0, group_size)
    rounded = grid.decode(grid.encode(weight))
    assert rounded.shape == weight.shape
    assert grid.scale.shape == (6 * -(-27 // group_size),)
    first = weight.flatten()[:group_size]
    step = first.abs().max() / 7
    assert torch.allclose(rounded.flatten()[:group_size], torch.round(first / step) * step)


@pytest.mark.parametrize("bits", range(2, 9))
def test_zero_is_on_every_grid(bits: int) -> None:
    low, high = torch.tensor(-0.4), torch.tensor(1.7)
    zero = torch.zeros(3)
    for grid in (
        fit_linear(low, high, bits, "affine"),
        fit_linear(low, high, bits, "symmetric"),
        fit_power_of_two(low, high, bits),
        fit_codebook(gaussian(100), bits),
    ):
        assert torch.equal(grid.decode(grid.encode(zero)), zero)


@pytest.mark.parametrize("axis", [None, 0])
def test_encoding_what_was_decoded_gives_the_same_codes(axis: int | None) -> None:
    weight = gaussian(8, 40)
    low = weight.min() if axis is None else weight.amin(1)
    high = weight.max() if axis is None else weight.amax(1)
    for grid in (
        fit_linear(low, high, 4, "affine", axis),
        fit_power_of_two(low, high, 4, axis),
        fit_codebook(weight, 4, axis),
    ):
        codes = grid.encode(weight)
        assert torch.equal(grid.encode(grid.decode(codes)), codes)
        assert codes.unique().numel() <= 16
