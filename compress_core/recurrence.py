"""
The part of an LSTM or GRU that runs over time, as a layer of its own.

What such a layer multiplies its inputs with is an ordinary linear layer before it, for all moments
at once (`unfold`). What is left is small: a matrix that is multiplied with the state, moment by
moment, and the gates. It computes in floats: no runtime has an integer kernel for it that rounds as
ours does.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

States = tuple[Tensor, ...]
"""What a layer remembers from moment to moment, each N x hidden; the first is what it answers."""
Step = Callable[[States, Tensor], States]
MOST_MOMENTS = 4096
"""A network's memories go through no more together: each moment is a step in Python."""
Walk = Callable[[Step, States, Tensor], Tensor]
"""(step, states at the start, time x N x values) -> answers, time x N x hidden."""


def loop(step: Step, states: States, moments: Tensor) -> Tensor:
    """Go from moment to moment, as torch does by itself."""
    answers = []
    for moment in moments.unbind():
        states = step(states, moment)
        answers.append(states[0])
    return torch.stack(answers)


def scan(step: Step, states: States, moments: Tensor) -> Tensor:
    """Do the same as one operator, so that an exported graph does not grow with the moments."""
    # Imported here: it takes a second that only exports need.
    from torch._higher_order_ops.scan import scan as over_time

    def combine(states: States, moment: Tensor) -> tuple[States, Tensor]:
        states = step(states, moment)
        return states, states[0].clone()

    answers: Tensor = over_time(combine, states, moments)[1]
    return answers


class Recurrence(nn.Module, ABC):
    """What LSTM and GRU share; `weight` is gates·hidden x hidden, gates in the order of torch."""

    gates: ClassVar[int]
    states: ClassVar[int]

    def __init__(self, hidden_size: int, bias: bool = True, reverse: bool = False) -> None:
        super().__init__()
        self.hidden_size, self.reverse = hidden_size, reverse
        """*reverse*: it runs from the last moment to the first."""
        rows = self.gates * hidden_size
        self.weight = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias = nn.Parameter(torch.empty(rows)) if bias else None
        self.walk: Walk = loop

    def forward(self, x: Tensor) -> Tensor:
        """Map N x time x gates·hidden, the inputs' part of every gate, to N x time x hidden."""
        start = torch.zeros_like(x[:, 0, : self.hidden_size])
        moments = x.transpose(0, 1)
        moments = moments.flip(0) if self.reverse else moments
        # Each state has zeros of its own: exporters want no two names for one tensor.
        states = tuple(start.clone() for _ in range(self.states))
        answers = self.walk(self._step(self.weight, self.bias), states, moments)
        return (answers.flip(0) if self.reverse else answers).transpose(0, 1)

    def remembered(self, x: Tensor) -> Tensor:
        """Return what the weight is multiplied with: the state before each moment, as `forward`."""
        answers: Tensor = self(x)
        if self.reverse:
            return F.pad(answers[:, 1:], (0, 0, 0, 1))
        return F.pad(answers[:, :-1], (0, 0, 1, 0))

    @abstractmethod
    def _step(self, weight: Tensor, bias: Tensor | None) -> Step:
        """Return what one moment does to the states."""


class LSTMRecurrence(Recurrence):
    """Hochreiter and Schmidhuber, 1997, with the gates of torch: input, forget, cell, output."""

    gates, states = 4, 2

    def __init__(
        self, hidden_size: int, bias: bool = True, reverse: bool = False, cells: bool = False
    ) -> None:
        super().__init__(hidden_size, bias, reverse)
        self.cells = cells
        """It answers its cells instead of what it lets out of them."""

    def _step(self, weight: Tensor, bias: Tensor | None) -> Step:
        def step(states: States, x: Tensor) -> States:
            out, cell = reversed(states) if self.cells else states
            into, keep, new, let = (x + F.linear(out, weight, bias)).chunk(4, 1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(into) * torch.tanh(new)
            out = torch.sigmoid(let) * torch.tanh(cell)
            return (cell, out) if self.cells else (out, cell)

        return step


class GRURecurrence(Recurrence):
    """Cho et al., 2014, with the gates of torch: reset, update, new."""

    gates, states = 3, 1

    def _step(self, weight: Tensor, bias: Tensor | None) -> Step:
        def step(states: States, x: Tensor) -> States:
            (out,) = states
            reset, update, new = x.chunk(3, 1)
            of_reset, of_update, of_new = F.linear(out, weight, bias).chunk(3, 1)
            update = torch.sigmoid(update + of_update)
            new = torch.tanh(new + torch.sigmoid(reset + of_reset) * of_new)
            return ((1 - update) * new + update * out,)

        return step


RECURRENT = (GRURecurrence, LSTMRecurrence)
MEMORY = ("gru", "lstm")
"""Kinds of these layers."""
