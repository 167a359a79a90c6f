"""Which shapes values take on their way through a graph."""

from typing import Any

import torch
from torch import Tensor, fx


def node_shapes(module: fx.GraphModule, input_shape: tuple[int, ...]) -> dict[str, list[int]]:
    """
    Run one zero sample and return the shape of every node's output that is a tensor.

    The first axis is longer than one where parts of a sample lie in it.
    """

    class Shapes(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            result = super().run_node(n)
            if isinstance(result, Tensor):
                shapes[n.name] = list(result.shape)
            return result

    shapes: dict[str, list[int]] = {}
    with torch.inference_mode():
        Shapes(module).run(torch.zeros(1, *input_shape))
    return shapes
