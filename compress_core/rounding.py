"""Learned rounding: up or down for each weight, whichever keeps the output."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, fx
from torch.nn import functional as F

from compress_core.blocks import Reconstruction, Section, sections
from compress_core.data import Part
from compress_core.grids import Grid, LinearGrid, as_rows, from_rows
from compress_core.network import layer_weight

STEPS, LR = 250, 3e-2
SAMPLES, BATCH_SIZE = 640, 32
JUDGING = 0.2
"""Share of the samples that nothing is learned from: they tell whether learning helped."""
LOW, HIGH = -0.1, 1.1
"""Ends of the stretched sigmoid, so that 0 and 1 are reached."""
PRESSURE = 3.0
"""Weight of the term that pushes each choice to up or down, after the first fifth of the steps.

Strong enough to leave few undecided: what is rounded at the end was not learned.
"""

Weights = Mapping[str, Tensor]


def learn_rounding(
    module: fx.GraphModule,
    shipped: Weights,
    grids: Mapping[str, Grid],
    part: Part,
    *,
    reconstruction: Reconstruction = "layer",
    seed: int = 0,
) -> dict[str, Tensor]:
    """
    Return the weights of the layers in *grids*, rounded so that outputs move least.

    AdaRound (Nagel et al., 2020): each weight goes to the grid value below or above it; what is
    zero stays zero. In the order of execution, each layer is to give what it gives in *module*, but
    from what reaches it through the layers before it as they are shipped. By *block*, layers then
    learn once more, together, what each block should give (BRECQ; Li et al., 2021). *shipped* holds
    the weights of all layers, rounded to the nearest: they stay where learning brings the answers
    of the network no nearer to the original's on samples that were not learned from. *part* are
    training samples.
    """
    now = dict(shipped)
    x = part.inputs(0, part.batch_size(SAMPLES))
    for task in _walk(module, "layer", now, x):
        now |= _learn(task, now, grids, seed)
    if reconstruction == "block":
        for task in _walk(module, "block", now, x, later=now):
            if len(task.section.layers) > 1:
                now |= _learn(task, now, grids, seed)
    return {name: now[name] for name in grids}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the samples of a value are: first in most networks, after time in some memories."""

    axis: int
    rows: int
    """For each sample, where *axis* counts more than samples."""
    inner: bool
    """Whether its rows are those of the first moment of all samples, then those of the next."""

    def some(self, values: Tensor, samples: Tensor | slice) -> Tensor:
        """Return *values* of some of the samples."""
        sizes = (self.rows, -1) if self.inner else (-1, self.rows)
        split = values.movedim(self.axis, 0).unflatten(0, sizes)
        chosen: Tensor = split[:, samples] if self.inner else split[samples]
        return chosen.flatten(0, 1).movedim(0, self.axis)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Task:
    """A section and what it should give, for all samples."""

    section: Section
    reached: dict[str, Tensor]
    """What it, or a section after it, reads of what comes before it; by names of nodes."""
    target: Tensor
    """What it gives in the original."""
    rest: list[Section]
    later: Weights
    """Of the sections after it, where they differ from the original's."""
    answers: Tensor
    """Of the original network."""
    layouts: Mapping[str, _Layout]

    def run(self, weights: Weights, samples: Tensor | slice) -> Tensor:
        """Return the section's output for some of the samples."""
        return self.section.run(
            weights, [self.some(name, self.reached[name], samples) for name in self.section.inputs]
        )

    def some(self, name: str, values: Tensor, samples: Tensor | slice) -> Tensor:
        """Return the *values* of a node for some of the samples."""
        # What has no layout is the same for all samples.
        return self.layouts[name].some(values, samples) if name in self.layouts else values

    def divergence(self, weights: Weights, samples: slice) -> float:
        """Return how far the network's answers are from the original's, nats a sample."""
        values = {n: self.some(n, value, samples) for n, value in self.reached.items()}
        values[self.section.output] = output = self.run(weights, samples)
        for section in self.rest:
            output = section.run(self.later, [values[name] for name in section.inputs])
            values[section.output] = output
        given, wanted = output.log_softmax(1), self.answers[samples].log_softmax(1)
        return float(F.kl_div(given, wanted, reduction="batchmean", log_target=True))


def _walk(
    module: fx.GraphModule,
    reconstruction: Reconstruction,
    now: Weights,
    x: Tensor,
    later: Weights = MappingProxyType({}),
) -> Iterator[_Task]:
    """Yield section after section; what comes later sees what *now* was changed to meanwhile."""
    (start,) = (node.name for node in module.graph.nodes if node.op == "placeholder")
    reached, wanted = {start: x}, {start: x}
    parts, answers = sections(module, reconstruction), module(x)
    layouts = _layouts(parts, start, x)
    for i, section in enumerate(parts):
        target = section.run({}, [wanted[name] for name in section.inputs])
        task = _Task(
            section=section,
            reached=dict(reached),
            target=target,
            rest=parts[i + 1 :],
            later=later,
            answers=answers,
            layouts=layouts,
        )
        yield task
        reached[section.output] = task.run(now, slice(None))
        wanted[section.output] = target
        read_later = {name for part in task.rest for name in part.inputs}
        for values in (reached, wanted):
            for name in values.keys() - read_later:
                del values[name]


def _layouts(parts: list[Section], start: str, x: Tensor) -> dict[str, _Layout]:
    """Return how the value of each node between sections holds samples: as two and three differ."""
    three = x[torch.arange(3) % len(x)]
    few, more = {start: three[:2]}, {start: three}
    for section in parts:
        for values in (few, more):
            values[section.output] = section.run({}, [values[name] for name in section.inputs])
    found = {}
    for name, of_three in more.items():
        sizes = zip(few[name].shape, of_three.shape, strict=True)
        axis = next((i for i, (two, more_rows) in enumerate(sizes) if two != more_rows), None)
        if axis is not None:
            rows = of_three.shape[axis] - few[name].shape[axis]
            first = of_three.narrow(axis, 0, 2 * rows)
            inner = rows > 1 and not torch.allclose(first, few[name], 1e-3, 1e-4)
            found[name] = _Layout(axis, rows, inner)
    return found


def _learn(task: _Task, now: Weights, grids: Mapping[str, Grid], seed: int) -> dict[str, Tensor]:
    """Return better rounded weights of a section's layers, none where there are no better ones."""
    section, target = task.section, task.target
    choices = {
        name: _Choice(layer_weight(section.module, name), grids[name], now[name])
        for name in section.layers
        if name in grids
    }
    if not choices:
        return {}
    optimizer = torch.optim.Adam([choice.logit for choice in choices.values()], lr=LR)
    generator = torch.Generator().manual_seed(seed)
    power = target.square().mean().clamp(min=1e-12)
    known = len(task.answers) - int(JUDGING * len(task.answers))
    with torch.enable_grad():
        for step in range(STEPS):
            batch = torch.randint(known, (min(BATCH_SIZE, known),), generator=generator)
            soft = {**now, **{name: choice.soft() for name, choice in choices.items()}}
            output = task.run(soft, batch)
            loss = (output - task.some(section.output, target, batch)).square().mean() / power
            if step > STEPS // 5:
                sharpness = 20 - 18 * step / STEPS
                undecided = [choice.undecided(sharpness) for choice in choices.values()]
                loss = loss + PRESSURE * torch.stack(undecided).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    hard = {name: choice.hard() for name, choice in choices.items()}
    unseen = slice(known, None)
    better = task.divergence({**now, **hard}, unseen) < task.divergence(now, unseen)
    return hard if better else {}


class _Choice:
    """For each weight, how much it leans to the grid value above rather than the one below."""

    def __init__(self, weight: Tensor, grid: Grid, now: Tensor) -> None:
        assert isinstance(grid, LinearGrid)  # the recipe allows no other
        self.grid, self.shape = grid, weight.shape
        self.kept = (weight != 0).float()
        rows = as_rows(weight, grid.group_size)
        ends = [] if grid.axis is None else [-1] + [1] * (rows.dim() - 1)
        self.scale, self.zero_point = grid.scale.reshape(ends), grid.zero_point.reshape(ends)
        exact = (rows / self.scale + self.zero_point).clamp(grid.low, grid.high)
        self.below = exact.floor()
        share = exact - self.below
        up = self._codes(now) > self.below
        # Where the present rounding is not to the nearest, the start is as near to it as can be.
        share = torch.where((share >= 0.5) == up, share, 1 - share)
        stretched = (share - LOW) / (HIGH - LOW)
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

    def _codes(self, weight: Tensor) -> Tensor:
        rows = as_rows(weight, self.grid.group_size)
        return (rows / self.scale + self.zero_point).round()

    def _up(self) -> Tensor:
        return (torch.sigmoid(self.logit) * (HIGH - LOW) + LOW).clamp(0, 1)

    def _weight(self, codes: Tensor) -> Tensor:
        limited = codes.clamp(self.grid.low, self.grid.high)
        rows = (limited - self.zero_point) * self.scale
        return from_rows(rows, self.shape, self.grid.group_size) * self.kept
