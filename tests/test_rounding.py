import pytest
import torch
from torch import nn

from compress_core.data import Part
from compress_core.fit_grid import fit_linear
from compress_core.network import from_module, layer_weight
from compress_core.rounding import learn_rounding


@pytest.mark.parametrize("group_size", [None, 8])
def test_learned_rounding_keeps_the_output_better_than_nearest(group_size: int | None) -> None:
    torch.manual_seed(0)
    network = from_module(nn.Sequential(nn.Linear(24, 6)), (24,), ("a",) * 6, "one")
    mixed = torch.randn(24, 24) / 4
    x = torch.randn(300, 24) @ mixed  # inputs that depend on each other, as real ones do
    part = Part(name="train", x=x, y=torch.zeros(300, dtype=torch.long))
    weight = layer_weight(network.module, "0").clone()
    weight[weight.abs() < 0.05] = 0
    rows = weight if group_size is None else weight.reshape(-1, group_size)
    grid = fit_linear(rows.amin(1), rows.amax(1), 3, "symmetric", 0, group_size)
    learned = learn_rounding(network.module, "0", weight, grid, part, seed=0)
    nearest = grid.decode(grid.encode(weight))
    wanted = x @ layer_weight(network.module, "0").T

    def error(candidate: torch.Tensor) -> float:
        return float((x @ candidate.T - wanted).square().mean())

    assert error(learned) < 0.8 * error(nearest)
    assert torch.allclose(grid.decode(grid.encode(learned)), learned)
    assert (learned[weight == 0] == 0).all()
    step = grid.scale.repeat_interleave(24 * 6 // len(grid.scale)).reshape(6, 24)
    assert ((learned - weight).abs() <= step * 1.001).all()
    again = learn_rounding(network.module, "0", weight, grid, part, seed=0)
    assert torch.equal(again, learned)
