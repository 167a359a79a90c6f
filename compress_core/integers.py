"""Which layers runtimes compute in integers, and the biases that such kernels add."""

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, fx, nn

from compress_core.grids import Grid, LinearGrid
from compress_core.network import MULTIPLYING, layer_calls
from compress_core.quantize import ACTIVATIONS, PASS_THROUGH, ActivationQuantizer, is_one_of

INT32_MAX = 2**31 - 1


def integer_layers(
    module: fx.GraphModule, weight_grids: Mapping[str, Grid]
) -> dict[str, tuple[LinearGrid, LinearGrid, LinearGrid]]:
    """
    Return layer -> grids of its input, weight and output, where all codes are integers.

    Input, weight and output must be on even steps of at most 8 bits, and the weight's around zero,
    as the kernels want. A layer that is called twice reads and gives values on different grids, so
    it is left out. *module* holds its activation quantizers.
    """
    found = {}
    calls = Counter(str(node.target) for node, _ in layer_calls(module))
    for node, layer in layer_calls(module):
        weights = weight_grids.get(str(node.target))
        if type(layer) not in MULTIPLYING or weights is None or calls[str(node.target)] > 1:
            continue
        inputs, outputs = input_grid(module, node), _output_grid(module, node)
        if inputs and weights and _even(inputs) and _even(outputs) and _even(weights):
            assert isinstance(inputs, LinearGrid) and isinstance(weights, LinearGrid)
            assert isinstance(outputs, LinearGrid)
            if not bool(weights.zero_point.any()):
                found[str(node.target)] = (inputs, weights, outputs)
    return found


def round_biases(module: fx.GraphModule, weight_grids: Mapping[str, Grid]) -> None:
    """
    Round the bias of every layer that runtimes compute in integers (in place).

    Integer kernels add the bias to a sum of products of codes, so they keep it in int32 with the
    step input scale * weight scale (Jacob et al., 2018). Left as it is, the preview would be off by
    one output step wherever a value lies near the middle between two.
    """
    for name, (inputs, weights, _) in integer_layers(module, weight_grids).items():
        bias = module.get_submodule(name).bias
        if isinstance(bias, Tensor):
            step = (inputs.scale * weights.scale).double()
            codes = torch.round(bias / step).clamp(-INT32_MAX, INT32_MAX)
            with torch.no_grad():
                bias.copy_(codes * step)


def input_grid(module: fx.GraphModule, node: fx.Node) -> Grid | None:
    """Return the grid that the input of *node* is on, seen through nodes that only pass values."""
    return value_grid(module, node.args[0] if node.args else None)


def value_grid(module: fx.GraphModule, source: object) -> Grid | None:
    """Return the grid that the value of *source* is on, if it is a node and its value on a grid."""
    while isinstance(source, fx.Node):
        leaf = leaf_of(module, source)
        if isinstance(leaf, ActivationQuantizer):
            return leaf.grid
        if not passes(module, source):
            return None
        source = source.args[0]
    return None


def leaf_of(module: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """Return the module that *node* calls, if it calls one."""
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None


def passes(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether every output of *node* is one of its inputs, so that no grid is left."""
    return is_one_of(module, node, PASS_THROUGH)


def _output_grid(module: fx.GraphModule, node: fx.Node) -> Grid | None:
    """Return the grid of a layer's output, after the activation function where there is one."""
    while len(node.users) == 1:
        node = next(iter(node.users))
        leaf = leaf_of(module, node)
        if isinstance(leaf, ActivationQuantizer):
            return leaf.grid
        if not is_one_of(module, node, ACTIVATIONS):
            return None
    return None


def output_grid(module: fx.GraphModule) -> Grid | None:
    """Return the grid that the answer of the network is on."""
    (output,) = (node for node in module.graph.nodes if node.op == "output")
    return input_grid(module, output)


def _even(grid: Grid | None) -> bool:
    return isinstance(grid, LinearGrid) and grid.bits <= 8 and grid.group_size is None
