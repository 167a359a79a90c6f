"""How much memory and time a graph from a file would take, found without taking it."""

from math import prod
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.recurrence import MOST_MOMENTS, RECURRENT
from compress_core.vocabulary import POOLS

MOST_VALUES = 1 << 27
"""Numbers that all results for one sample may have together; half a gigabyte."""
MOST_WORK = 1 << 38
"""Multiplications and comparisons for one sample; some seconds."""


def check_effort(module: fx.GraphModule, input_shape: tuple[int, ...]) -> None:
    """Raise ValueError when one sample asks too much of a *module* (on the meta device)."""
    with torch.inference_mode():
        _Effort(module).run(torch.empty(1, *input_shape, device="meta"))


class _Effort(fx.Interpreter):
    """Runs shapes without values through the graph and adds up what they stand for."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.values = self.work = self.moments = 0

    def run_node(self, n: fx.Node) -> Any:
        self._check_moments(n)
        result = super().run_node(n)
        values = sum(part.numel() for part in _tensors(result))
        self.values += values
        self.work += values * self._window(n)
        if self.values > MOST_VALUES or self.work > MOST_WORK:
            raise ValueError(f"one sample is too much work at {n.name}")
        return result

    def _check_moments(self, node: fx.Node) -> None:
        """Refuse a loop of very many steps before it is gone through, even without values."""
        if node.op == "call_module" and isinstance(self.fetch_attr(str(node.target)), RECURRENT):
            (x, *_), _ = self.fetch_args_kwargs_from_env(node)
            self.moments += x.shape[1]
            # Memories that give their cells as well go through all moments twice.
            if self.moments > 2 * MOST_MOMENTS:
                raise ValueError(f"one sample goes through too many moments at {node.name}")

    def _window(self, node: fx.Node) -> int:
        """Return how many inputs one output is computed from, where that can be many."""
        if node.op == "call_module":
            leaf: nn.Module = self.fetch_attr(str(node.target))
            weights = [p[0].numel() for p in leaf.parameters() if p.dim() > 1]
            return max([*weights, _area(getattr(leaf, "kernel_size", 1))])
        if node.target in POOLS:
            args, kwargs = self.fetch_args_kwargs_from_env(node)
            return _area(kwargs.get("kernel_size", args[1] if len(args) > 1 else 1))
        return 1


def _area(kernel: Any) -> int:
    """Return the inputs under a kernel; a single number is taken for both sides of a square."""
    return int(prod(kernel)) if isinstance(kernel, tuple) else int(kernel) ** 2


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, tuple | list):
        return [tensor for part in result for tensor in _tensors(part)]
    return [result] if isinstance(result, Tensor) else []
