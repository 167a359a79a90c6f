"""Learned rounding: up or down for each weight, whichever keeps the layer's output."""

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

from compress_core.calibrate import layer_inputs
from compress_core.data import Part
from compress_core.grids import LinearGrid, as_rows, from_rows

STEPS, LR = 250, 3e-2
SAMPLES, BATCH_SIZE = 512, 32
LOW, HIGH = -0.1, 1.1
"""Ends of the stretched sigmoid, so that 0 and 1 are reached."""
PRESSURE = 0.01
"""Weight of the term that pushes each choice to up or down, after the first fifth."""


def learn_rounding(
    module: fx.GraphModule, name: str, weight: Tensor, grid: LinearGrid, part: Part, seed: int
) -> Tensor:
    """
    Return *weight* rounded to *grid* so that the layer's output on training samples moves least.

    AdaRound (Nagel et al., 2020), one layer at a time: each weight goes to the grid value below or
    above it; what is zero stays zero. *weight* is the masked weight of layer *name* of *module*.
    Rounding to the nearest is returned where learning did not beat it.
    """
    layer = module.get_submodule(name)
    x = layer_inputs(module, part.head(SAMPLES), name)
    target = layer(x)
    choice = _Choice(weight, grid)
    optimizer = torch.optim.Adam([choice.logit], lr=LR)
    generator = torch.Generator().manual_seed(seed)
    power = target.square().mean().clamp(min=1e-12)
    with torch.enable_grad():
        for step in range(STEPS):
            batch = torch.randint(len(x), (min(BATCH_SIZE, len(x)),), generator=generator)
            output = _run(layer, choice.soft(), x[batch])
            loss = (output - target[batch]).square().mean() / power
            if step > STEPS // 5:
                loss = loss + PRESSURE * choice.undecided(20 - 18 * step / STEPS)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    candidates = [grid.decode(grid.encode(weight)), choice.hard()]
    return min(candidates, key=lambda w: float((_run(layer, w, x) - target).square().mean()))


class _Choice:
    """For each weight, how much it leans to the grid value above rather than the one below."""

    def __init__(self, weight: Tensor, grid: LinearGrid) -> None:
        self.grid, self.shape = grid, weight.shape
        self.kept = (weight != 0).float()
        rows = as_rows(weight, grid.group_size)
        ends = [] if grid.axis is None else [-1] + [1] * (rows.dim() - 1)
        self.scale, self.zero_point = grid.scale.reshape(ends), grid.zero_point.reshape(ends)
        exact = (rows / self.scale + self.zero_point).clamp(grid.low, grid.high)
        self.below = exact.floor()
        stretched = (exact - self.below - LOW) / (HIGH - LOW)
        self.logit = torch.logit(stretched.clamp(0.01, 0.99)).requires_grad_()

    def soft(self) -> Tensor:
        """Return the weight between the two grid values, differentiable."""
        return self._weight(self.below + self._up())

    def hard(self) -> Tensor:
        """Return the weight on the grid."""
        return self._weight(self.below + (self._up().detach() >= 0.5))

    def undecided(self, sharpness: float) -> Tensor:
        """Return how far the choices are from up or down, 0 to 1."""
        return (1 - (2 * self._up() - 1).abs().pow(sharpness)).mean()

    def _up(self) -> Tensor:
        return (torch.sigmoid(self.logit) * (HIGH - LOW) + LOW).clamp(0, 1)

    def _weight(self, codes: Tensor) -> Tensor:
        limited = codes.clamp(self.grid.low, self.grid.high)
        rows = (limited - self.zero_point) * self.scale
        return from_rows(rows, self.shape, self.grid.group_size) * self.kept


def _run(layer: nn.Module, weight: Tensor, x: Tensor) -> Tensor:
    output: Tensor = functional_call(layer, {"weight": weight}, (x,))
    return output
