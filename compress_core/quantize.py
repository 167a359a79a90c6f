"""Quantization of the normal form: folded batch norms, grids for weights, grids for activations."""

import operator
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from compress_core.grids import LinearGrid, fake_quantize, fit_grid
from compress_core.network import LAYER_KINDS, Network, from_graph
from compress_core.recipe import Quantize

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Hardtanh)
"""Functions that runtimes fuse into the layer before them, so the value is rounded after them."""
PASS_THROUGH = (nn.Identity, nn.Flatten, nn.Dropout, nn.MaxPool1d, nn.MaxPool2d)
"""Their outputs are some of their inputs, so they are on the grid already."""
PASS_THROUGH_FUNCTIONS = (torch.flatten,)


ANSWER_BITS = 8
"""Logits on fewer values would tie; runtimes want them rounded to compute in integers throughout."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node whose output is rounded when activations are, and the layer that computes it."""

    node: str
    layer: str | None
    """None for the input and for sums of several layers."""
    answer: bool
    """Whether this is what the network returns; it keeps at least `ANSWER_BITS`."""


class ActivationQuantizer(nn.Module):
    """Rounds what passes to a grid (quantize, then dequantize)."""

    def __init__(self, grid: LinearGrid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """Return x on the grid, same shape, float32."""
        return fake_quantize(x, self.grid)

    def _apply(self, fn, recurse=True):  # type: ignore[no-untyped-def]
        # The grid follows .to(device) as a buffer would.
        moved = fn(self.grid.scale)
        self.grid = self.grid.to(str(moved.device))
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


def fold_batch_norms(network: Network) -> Network:
    """Return the network with every batch norm that follows a layer multiplied into its weights."""
    module = deepcopy(network.module)
    fuse: dict[type[nn.Module] | None, Callable[..., nn.Module]] = {
        nn.Conv1d: fuse_conv_bn_eval,
        nn.Conv2d: fuse_conv_bn_eval,
        nn.Linear: fuse_linear_bn_eval,
    }
    for node in list(module.graph.nodes):
        if not isinstance(_leaf(module, node), BATCH_NORMS):
            continue
        source = node.args[0]
        layer = _leaf(module, source)
        if layer is None or type(layer) not in fuse or len(source.users) != 1:
            continue
        module.set_submodule(str(source.target), fuse[type(layer)](layer, _leaf(module, node)))
        node.replace_all_uses_with(source)
        module.graph.erase_node(node)
    module.delete_all_unused_submodules()
    module.recompile()
    module.requires_grad_(False)
    return from_graph(module, network.input_shape, network.labels, network.name)


def weight_grid(weight: Tensor, step: Quantize) -> LinearGrid:
    """Return the grid of a weight (outputs first) for the bits and granularity of *step*."""
    assert step.weight_bits is not None
    if step.granularity == "per_tensor":
        low, high = weight.aminmax()
        return fit_grid(low, high, step.weight_bits, step.scheme)
    rows = weight.flatten(1)
    return fit_grid(rows.amin(1), rows.amax(1), step.weight_bits, step.scheme, axis=0)


def activation_sites(module: fx.GraphModule) -> list[Site]:
    """
    Return where activations are rounded: the input and every new value, the answer included.

    A value is rounded after its activation function, where runtimes fuse it.
    """
    return [
        Site(node.name, _owner(module, node), _is_answer(module, node))
        for node in module.graph.nodes
        if _makes_a_value(module, node) and not _is_fused_into_next(module, node)
    ]


def insert_quantizers(module: fx.GraphModule, grids: dict[str, LinearGrid]) -> None:
    """Let the value of each named node pass through its grid (in place)."""
    for node in list(module.graph.nodes):
        if node.name in grids:
            name = f"{node.name}_grid"
            module.add_submodule(name, ActivationQuantizer(grids[node.name]))
            with module.graph.inserting_after(node):
                rounded = module.graph.call_module(name)
            node.replace_all_uses_with(rounded)
            rounded.args = (node,)
    module.recompile()


def _leaf(module: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None


def _makes_a_value(module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "placeholder":
        return True
    if node.op == "call_module":
        return not isinstance(_leaf(module, node), PASS_THROUGH)
    return node.op == "call_function" and node.target not in PASS_THROUGH_FUNCTIONS


def _is_fused_into_next(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether the only reader is the batch norm or activation function of this very value."""
    if len(node.users) != 1 or not _can_fuse(module, node):
        return False
    return isinstance(_leaf(module, next(iter(node.users))), BATCH_NORMS + ACTIVATIONS)


def _can_fuse(module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(_leaf(module, node), (*LAYER_KINDS, *BATCH_NORMS))
    return node.target in (operator.add, torch.add)


def _is_answer(module: fx.GraphModule, node: fx.Node) -> bool:
    return all(user.op == "output" for user in _readers(module, node))


def _readers(module: fx.GraphModule, node: fx.Node) -> Iterator[fx.Node]:
    for user in node.users:
        if user.op != "output" and not _makes_a_value(module, user):
            yield from _readers(module, user)
        else:
            yield user


def _owner(module: fx.GraphModule, node: fx.Node) -> str | None:
    """Return the layer that a value comes from, through batch norm and activation function."""
    leaf = _leaf(module, node)
    if type(leaf) in LAYER_KINDS:
        return str(node.target)
    if isinstance(leaf, BATCH_NORMS + ACTIVATIONS):
        return _owner(module, node.all_input_nodes[0])
    return None
