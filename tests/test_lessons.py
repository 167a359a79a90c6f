import pytest
import torch

from compress_core.compress import compress
from compress_core.fit_grid import fit_linear
from compress_core.lessons.clip import calibrated, reaches
from compress_core.lessons.coding import coded
from compress_core.lessons.holes import corner
from compress_core.lessons.number_line import KINDS, error_of, number_lines
from compress_core.lessons.shares import given
from compress_core.lessons.soft import logits_of, soften, torn
from compress_core.lessons.thinning import thinned
from compress_core.lessons.underflow import exponents, gradients, kept
from compress_core.network import layer_weight
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import load_scenario
from compress_core.sizes import sizes

NAME = "digits/simple-nn"


def weight() -> torch.Tensor:
    scenario = load_scenario(NAME)
    return layer_weight(scenario.network.module, scenario.network.layers[0].name)


def test_the_line_share_and_energy_of_a_few_weights() -> None:
    found = thinned(torch.tensor([[3.0, -1.0], [0.5, -2.0]]), 0.5)
    assert (found.cut, found.share) == (1.0, 0.5)
    assert found.energy == pytest.approx((9 + 4) / (9 + 1 + 0.25 + 4))
    assert (sum(found.kept), sum(found.gone)) == (2, 2)


def test_nothing_is_cut_where_nothing_goes() -> None:
    found = thinned(weight(), 0.0)
    assert (found.cut, found.energy, sum(found.gone)) == (0.0, 1.0, 0)


@pytest.mark.parametrize("how", ["weight", "n:m", "channel"])
def test_half_of_a_matrix_goes_in_each_way(how: str) -> None:
    cells = corner(torch.randn(24, 48, generator=torch.Generator().manual_seed(0)), how)
    gone = [cell for cell in cells if not cell.kept]
    assert len(gone) == len(cells) // 2
    if how == "channel":
        assert len({cell.output for cell in gone}) == 12
    if how == "n:m":
        assert all(
            sum(not c.kept for c in cells if (c.output, c.input // 4) == (0, group)) == 2
            for group in range(12)
        )


def test_two_bits_around_zero_hold_three_values() -> None:
    values = torch.tensor([-1.0, -0.4, 0.2, 1.0])
    line = number_lines(values, -1.0, 1.0, 2, [0.6, 0.4, 5.0])[0]
    assert (line.kind, line.values, line.scale, line.zero_point) == (
        "symmetric",
        (-1.0, 0.0, 1.0),
        1.0,
        0,
    )
    assert line.rounded == (1.0, 0.0, 1.0)
    assert line.error.mse == pytest.approx((0.4**2 + 0.2**2) / 4)


def test_rounding_and_clipping_are_told_apart() -> None:
    grid = fit_linear(torch.tensor(-1.0), torch.tensor(1.0), 2, "symmetric")
    error = error_of(torch.tensor([0.25, 3.0]), grid)
    assert error.rounding == pytest.approx(0.25**2 / 2)
    assert error.clipping == pytest.approx(2.0)
    assert error.clipped == 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_more_bits_come_nearer(kind: str) -> None:
    w = weight()
    ends = float(w.min()), float(w.max())
    few, many = (
        next(line for line in number_lines(w, *ends, bits, []) if line.kind == kind)
        for bits in (3, 6)
    )
    assert few.error.mse >= many.error.mse


def test_the_least_error_is_the_least_of_all_ranges() -> None:
    w = weight()
    best = min(reach.error.mse for reach in reaches(w, 4))
    assert calibrated(w, 4)["mse"].error.mse == pytest.approx(best, rel=1e-4)
    assert calibrated(w, 4)["minmax"].share == pytest.approx(1.0)


def test_scaling_saves_what_float16_would_lose() -> None:
    tiny = torch.tensor([2.0**-30, 2.0**-10])
    assert kept(tiny, "float16", 0).vanished == 0.5
    assert kept(tiny, "float16", 10).vanished == 0.0
    assert kept(tiny, "bfloat16", 0).vanished == 0.0
    assert kept(torch.tensor([1.0]), "float16", 17).overflown == 1.0


def test_float16_is_more_exact_and_bfloat16_reaches_further() -> None:
    scenario = load_scenario(NAME)
    found = gradients(scenario.network, scenario.data.train)
    half, brain = (kept(found, dtype, 0) for dtype in ("float16", "bfloat16"))
    assert half.error < brain.error
    assert half.vanished >= brain.vanished
    assert sum(exponents(found, -40, 0)) == len(found)


def test_gradients_leave_the_network_as_it_was() -> None:
    scenario = load_scenario(NAME)
    before = {name: value.clone() for name, value in scenario.network.module.state_dict().items()}
    gradients(scenario.network, scenario.data.train)
    after = scenario.network.module.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())
    assert not any(p.requires_grad for p in scenario.network.module.parameters())


@pytest.mark.parametrize("how", ["uniform", "global", "lamp", "erk"])
def test_layers_give_what_was_asked_of_all_and_what_compress_takes(how: str) -> None:
    scenario = load_scenario(NAME)
    found = given(scenario.network, 0.7, how)
    total = sum(each.weights for each in found)
    assert sum(each.sparsity * each.weights for each in found) == pytest.approx(
        0.7 * total, abs=len(found)
    )
    recipe = Recipe(steps=(Prune(sparsity=0.7, allocation=how),))  # type: ignore[arg-type]
    reports = sizes(compress(scenario.network, recipe)).layers
    assert [r.sparsity for r in reports] == pytest.approx([each.sparsity for each in found])


def test_temperature_softens_and_one_leaves_as_it_is() -> None:
    logits = torch.tensor([2.0, 0.0])
    assert soften(logits, 1.0).probabilities == pytest.approx(logits.softmax(0).tolist())
    assert soften(logits, 2.0).probabilities[0] == pytest.approx(0.7310586)
    assert soften(logits, 1e6).bits == pytest.approx(1.0)


def test_it_hesitates_over_what_it_gets_right() -> None:
    scenario = load_scenario(NAME)
    part = scenario.data.validation
    chosen = torn(scenario.network, part, 3)
    doubts = [soften(logits_of(scenario.network, part, i), 1.0).bits for i in chosen]
    assert doubts == sorted(doubts, reverse=True)
    right = [logits_of(scenario.network, part, i).argmax() == part.y[i] for i in chosen]
    assert all(right)


def test_codes_take_less_the_more_uneven_they_are() -> None:
    scenario = load_scenario(NAME)
    layer = scenario.network.layers[0].name
    rounded = Quantize(weight_bits=4)
    plain, pruned = (
        coded(compress(scenario.network, Recipe(steps=steps)), layer)
        for steps in ((rounded,), (Prune(sparsity=0.8), rounded))
    )
    assert plain.plain_bytes == 2 * plain.tight_bytes == sum(plain.counts.values())
    assert pruned.counts[0] / pruned.plain_bytes >= 0.8
    assert pruned.entropy < plain.entropy < 4
    assert pruned.packed_bytes < plain.packed_bytes < plain.tight_bytes
