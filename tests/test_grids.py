from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from compress_core.fit_grid import Scheme, fit_codebook, fit_linear, fit_power_of_two
from compress_core.grids import Grid, LinearGrid, as_rows, fake_quantize, from_rows

SCHEMES: tuple[Scheme, ...] = ("symmetric", "affine")
each_scheme = pytest.mark.parametrize("scheme", SCHEMES)
each_axis = pytest.mark.parametrize("axis", [None, 0], ids=["per tensor", "per channel"])
bits_2_to_8 = pytest.mark.parametrize("bits", range(2, 9))


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def linear(weight: Tensor, bits: int, scheme: Scheme, axis: int | None) -> LinearGrid:
    """Return the grid whose ends are the smallest and largest weight (of each row)."""
    rows = weight.flatten() if axis is None else weight.flatten(1)
    return fit_linear(rows.amin(-1), rows.amax(-1), bits, scheme, axis)


def table(weight: Tensor, bits: int, kind: str, axis: int | None) -> Grid:
    if kind == "codebook":
        return fit_codebook(weight, bits, axis)
    ends = weight if axis is None else weight.flatten(1).amax(1)
    return fit_power_of_two(-ends.abs().max() if axis is None else -ends, ends.amax(), bits, axis)


def torch_fake_quantize(weight: Tensor, grid: LinearGrid) -> Tensor:
    ends = (grid.low, grid.high)
    if grid.axis is None:
        return torch.fake_quantize_per_tensor_affine(
            weight, grid.scale, grid.zero_point.int(), *ends
        )
    return torch.fake_quantize_per_channel_affine(
        weight, grid.scale, grid.zero_point.int(), grid.axis, *ends
    )


@each_scheme
@each_axis
@bits_2_to_8
def test_linear_rounding_is_torchs_own(bits: int, axis: int | None, scheme: Scheme) -> None:
    weight = gaussian(16, 8, 3, 3) * torch.logspace(-3, 1, 16).reshape(-1, 1, 1, 1)
    grid = linear(weight, bits, scheme, axis)
    assert torch.equal(fake_quantize(weight, grid), torch_fake_quantize(weight, grid))


@pytest.mark.filterwarnings("ignore:.*quantize.*deprecated")
@each_scheme
@each_axis
def test_eight_bit_codes_are_those_of_torchs_quantized_tensors(
    axis: int | None, scheme: Scheme
) -> None:
    weight = gaussian(16, 40) + 0.5
    grid = linear(weight, 8, scheme, axis)
    theirs = (
        torch.quantize_per_tensor(weight, float(grid.scale), int(grid.zero_point), torch.qint8)
        if axis is None
        else torch.quantize_per_channel(weight, grid.scale, grid.zero_point, 0, torch.qint8)
    )
    assert torch.equal(grid.encode(weight), theirs.int_repr())
    assert torch.allclose(grid.decode(grid.encode(weight)), theirs.dequantize(), atol=1e-6)


@each_scheme
@pytest.mark.parametrize("bits", [9, 12, 16])
def test_many_bits_agree_with_float64(bits: int, scheme: Scheme) -> None:
    weight = gaussian(8, 500)
    grid = linear(weight, bits, scheme, 0)
    scale, zero = grid.scale.double().numpy()[:, None], grid.zero_point.numpy()[:, None]
    exact = weight.double().numpy() / scale
    expected = np.clip(np.rint(exact) + zero, grid.low, grid.high)
    # float32 places a value within 0.01 of a step, so only what is halfway may fall either way.
    clear = np.abs(np.abs(exact - np.floor(exact)) - 0.5) > 0.01
    codes = grid.encode(weight).numpy()
    assert codes.dtype == np.int16 and clear.mean() > 0.95
    assert (codes == expected)[clear].all()
    assert np.abs(codes - expected).max() <= 1


@each_axis
def test_the_ends_and_sizes_of_grids(axis: int | None) -> None:
    weight = torch.tensor([[-1.0, 3.0]])
    symmetric, affine = (linear(weight, 3, scheme, axis) for scheme in SCHEMES)
    assert symmetric.values().flatten().tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert affine.values().flatten().tolist() == pytest.approx(
        [-8 / 7, -4 / 7, 0, 4 / 7, 8 / 7, 12 / 7, 16 / 7, 20 / 7]
    )
    assert (affine.low, affine.high) == (-4, 3)


finite = st.floats(-1e6, 1e6, width=32)
weights = hnp.arrays(
    "float32", hnp.array_shapes(min_dims=2, max_dims=3, max_side=6), elements=finite
)
fits: dict[str, Callable[[Tensor, int], Grid]] = {
    "symmetric": lambda w, bits: linear(w, bits, "symmetric", 0),
    "affine": lambda w, bits: linear(w, bits, "affine", 0),
    "per tensor": lambda w, bits: linear(w, bits, "affine", None),
    "groups": lambda w, bits: fit_linear(
        as_rows(w, 4).amin(1), as_rows(w, 4).amax(1), bits, "affine", 0, 4
    ),
    "codebook": lambda w, bits: fit_codebook(w, bits, 0),
    "powers": lambda w, bits: table(w, bits, "power_of_two", None),
}
each_fit = pytest.mark.parametrize("fit", fits.values(), ids=fits)


@each_fit
@given(weights, st.integers(2, 8))
def test_rounding_twice_is_rounding_once(
    fit: Callable[[Tensor, int], Grid], values: np.ndarray, bits: int
) -> None:
    weight = torch.from_numpy(values)
    grid = fit(weight, bits)
    codes = grid.encode(weight)
    assert codes.shape == weight.shape and codes.dtype == grid.dtype
    assert torch.equal(grid.encode(grid.decode(codes)), codes)
    assert torch.equal(fake_quantize(fake_quantize(weight, grid), grid), grid.decode(codes))


@each_fit
@given(weights, st.integers(2, 8))
def test_zero_stays_zero(fit: Callable[[Tensor, int], Grid], values: np.ndarray, bits: int) -> None:
    weight = torch.from_numpy(values)
    assert not fake_quantize(torch.zeros_like(weight), fit(weight, bits)).any()


@each_scheme
@pytest.mark.parametrize("reach", [0.0, 1e-45, 1e-41, 1e-38, 1e-30, 1e30])
def test_zero_stays_zero_however_small_the_others_are(reach: float, scheme: Scheme) -> None:
    weight = torch.tensor([[reach, -0.3 * reach, 0.0], [1.0, 2.0, 0.0]])
    rounded = fake_quantize(weight, linear(weight, 8, scheme, 0))
    assert rounded.isfinite().all() and not rounded[:, 2].any()
    assert (rounded - weight)[0].abs().max() <= max(reach / 100, 1e-36)


@each_scheme
@given(weights, st.integers(2, 16))
def test_no_weight_moves_further_than_half_a_step(
    scheme: Scheme, values: np.ndarray, bits: int
) -> None:
    weight = torch.from_numpy(values)
    grid = linear(weight, bits, scheme, 0)
    moved = (fake_quantize(weight, grid) - weight).abs().flatten(1).double()
    reach = weight.flatten(1).abs().amax(1, keepdim=True).double()
    assert (moved <= grid.scale[:, None].double() / 2 + 1e-6 * reach).all()


@each_scheme
def test_sixteen_bits_lose_nothing_that_counts(scheme: Scheme) -> None:
    weight = gaussian(10, 300)
    error = (fake_quantize(weight, linear(weight, 16, scheme, 0)) - weight).abs().amax(1)
    assert (error <= 1e-4 * weight.abs().amax(1)).all()


@each_scheme
@each_axis
@pytest.mark.parametrize("seed", range(3))
def test_more_bits_are_never_worse_for_bell_shaped_weights(
    seed: int, axis: int | None, scheme: Scheme
) -> None:
    weight = gaussian(16, 100, seed=seed)
    errors = [
        float((fake_quantize(weight, linear(weight, bits, scheme, axis)) - weight).square().mean())
        for bits in range(2, 17)
    ]
    assert errors == sorted(errors, reverse=True)


def test_more_bits_can_be_worse_for_weights_that_a_coarse_grid_holds() -> None:
    # The law has this exception: thirds are on the grid of 3 bits (k / 3), not of 4 (k / 7).
    weight = torch.tensor([[1.0, 1 / 3, -2 / 3]])
    assert torch.allclose(fake_quantize(weight, linear(weight, 3, "symmetric", 0)), weight)
    assert not torch.allclose(fake_quantize(weight, linear(weight, 4, "symmetric", 0)), weight)


@each_scheme
@each_axis
@bits_2_to_8
def test_gradients_pass_where_torchs_do(bits: int, axis: int | None, scheme: Scheme) -> None:
    inner = gaussian(12, 30)
    grid = linear(inner, bits, scheme, axis)
    ours = (2 * inner).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    fake_quantize(ours, grid).sum().backward()
    torch_fake_quantize(theirs, grid).sum().backward()
    assert ours.grad is not None and set(ours.grad.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(ours.grad, theirs.grad)


@each_axis
@pytest.mark.parametrize("kind", ["symmetric", "affine", "codebook", "power_of_two"])
@bits_2_to_8
def test_every_weight_that_a_grid_was_made_for_goes_on_learning(
    bits: int, kind: str, axis: int | None
) -> None:
    weight = gaussian(20, 30).requires_grad_()
    fit = weight.detach()
    grid = (
        linear(fit, bits, kind, axis)  # type: ignore[arg-type]
        if kind in SCHEMES
        else table(fit, bits, kind, axis)
    )
    fake_quantize(weight, grid).sum().backward()
    assert torch.equal(weight.grad, torch.ones_like(weight))


def test_rounding_is_float32_inside_autocast() -> None:
    weight = gaussian(8, 64)
    grid = linear(weight, 12, "affine", 0)
    with torch.autocast("cpu", torch.bfloat16):
        inside = fake_quantize(weight, grid)
        assert fake_quantize(weight.bfloat16(), grid).dtype == torch.float32
    assert inside.dtype == torch.float32
    assert torch.equal(inside, fake_quantize(weight, grid))


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.none() | st.integers(2, 9))
def test_rows_of_groups_come_back_as_they_were(
    outputs: int, inputs: int, kernel: int, group_size: int | None
) -> None:
    weight = gaussian(outputs, inputs, kernel)
    rows = as_rows(weight, group_size)
    assert torch.equal(from_rows(rows, weight.shape, group_size), weight)
    if group_size:
        assert rows.shape == (outputs * -(-inputs * kernel // group_size), group_size)
        assert rows.count_nonzero() == weight.count_nonzero()


@each_fit
def test_every_value_is_one_of_the_grids(fit: Callable[[Tensor, int], Grid]) -> None:
    weight = gaussian(3, 8)
    grid = fit(weight, 3)
    assert grid.values().shape[1] <= 8
    for row, values in enumerate(grid.values()):
        size = weight.numel() // len(grid.values())
        rounded = fake_quantize(weight, grid).flatten()[row * size : (row + 1) * size]
        assert torch.isin(rounded, values).all()
