import torch

from compress_core.fit_grid import fit_linear
from compress_core.learned_step import LearnedStep


def test_gradients_are_those_of_the_paper() -> None:
    # Scale 1, codes -3..3. Inside, d/ds is rounded - value; clipped, it is the last code.
    grid = fit_linear(torch.tensor(-3.0), torch.tensor(3.0), 3, "symmetric")
    step = LearnedStep(grid)
    values = torch.tensor([0.4, 1.6, 7.0, -5.0], requires_grad=True)
    rounded = step(values)
    assert rounded.tolist() == [0.0, 2.0, 3.0, -3.0]
    (rounded * torch.tensor([1.0, 1.0, 1.0, 2.0])).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 1.0, 0.0, 0.0]
    by_scale = (-0.4) + 0.4 + 3.0 - 2 * 3.0
    # Scaled by 1 / sqrt(4 values x highest code 3); d scale / d log scale is the scale, 1.
    assert step.log_scale.grad is not None
    assert torch.allclose(step.log_scale.grad, torch.tensor(by_scale / 12**0.5), atol=1e-5)


def test_each_row_learns_its_own_scale() -> None:
    weight = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    step = LearnedStep(fit_linear(weight.amin(1), weight.amax(1), 2, "symmetric", axis=0))
    optimizer = torch.optim.Adam(step.parameters(), lr=0.05)
    first = (step(weight) - weight).square().mean().item()
    for _ in range(60):
        optimizer.zero_grad()
        (step(weight) - weight).square().mean().backward()
        optimizer.step()
    assert (step(weight) - weight).square().mean().item() < 0.6 * first
    assert step.grid.scale.shape == (3,) and (step.grid.scale > 0).all()
