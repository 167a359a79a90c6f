"""Let samples pass through a network sooner: the same values, laid out and written elsewhere."""

from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.nn import functional as F

from compress_core.network import LAYER_KINDS
from compress_core.quantize import BATCH_NORMS, is_one_of

LEAVES = (nn.ReLU, nn.ReLU6, nn.Hardtanh)
FUNCTIONS = (F.relu, F.relu6, F.hardtanh)
AS_THEY_ARE: Mapping[str, Tensor] = MappingProxyType({})


class Passage(fx.Interpreter):
    """
    Lets samples pass through a network node by node, to be looked at on their way.

    *weights* stand in for those of the layers that they name. The network stays as it is, but not
    what its layers give: activation functions write over it where nobody else reads it.
    """

    def __init__(self, module: fx.GraphModule, weights: Mapping[str, Tensor] = AS_THEY_ARE) -> None:
        super().__init__(module)
        self.weights = weights
        kinds = (*LEAVES, *FUNCTIONS)
        nodes = (node for node in module.graph.nodes if is_one_of(module, node, kinds))
        self.overwriting = {node for node in nodes if is_sole_reader(module, node)}

    def run(self, x: Tensor) -> Any:  # type: ignore[override]
        """Return the answers to *x*, without gradients."""
        pictures = x.dim() == 4
        x = x.contiguous(memory_format=torch.channels_last) if pictures else x
        with torch.no_grad():
            return super().run(x)

    def run_node(self, n: fx.Node) -> Any:
        """Compute one node, in place where that is allowed."""
        if n not in self.overwriting:
            return super().run_node(n)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        if callable(n.target):
            return n.target(*args, **{**kwargs, "inplace": True})
        leaf = copy(self.fetch_attr(n.target))
        leaf.inplace = True
        return leaf(*args, **kwargs)

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Call a leaf with the weight that stands in for its own, if one does."""
        if target not in self.weights:
            return super().call_module(target, args, kwargs)
        values = {"weight": self.weights[target]}
        return functional_call(self.fetch_attr(target), values, args, kwargs)

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Call a method of a tensor; of pictures laid out by pixels no views exist."""
        return super().call_method("reshape" if target == "view" else target, args, kwargs)


def channels_last(module: fx.GraphModule) -> fx.GraphModule:
    """Let weights lie as processors like them (in place), and return the module."""
    copy_views(module)
    placed: fx.GraphModule = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def copy_views(module: fx.GraphModule) -> None:
    """Let views be copies where need be (in place): of pictures laid out otherwise none exist."""
    views = [n for n in module.graph.nodes if n.op == "call_method" and n.target == "view"]
    for node in views:
        node.target = "reshape"
    if views:
        module.recompile()


def is_sole_reader(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether *node* alone reads its input, which a layer or batch norm has computed."""
    source = node.all_input_nodes[0]
    return len(source.users) == 1 and is_one_of(module, source, (*LAYER_KINDS, *BATCH_NORMS))
