"""A layer computed as runtimes compute it: sums of products of codes, rounded once at the end."""

from collections.abc import Mapping

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.nn import functional as F

from compress_core.grids import Grid, LinearGrid
from compress_core.int8 import convolve, fits
from compress_core.integers import INT32_MAX, integer_layers, leaf_of
from compress_core.network import layer_calls
from compress_core.quantize import ActivationQuantizer, is_one_of

EXACT = 2**24
"""Whole numbers up to this are exact in float32, in whatever order they are added."""

KEEPS_GRID = (nn.ReLU, F.relu, torch.relu, "relu")
"""Functions whose outputs are some of their inputs, or zero, which every grid has."""


class IntegerLayer(nn.Module):
    """
    The layer between two roundings in integer arithmetic (Jacob et al., 2018).

    code of the output = round((sum of input codes * weight codes + bias code) * multiplier), with
    multiplier = input scale * weight scale / output scale in float32, halves to even, as ONNX
    Runtime and XNNPACK do it. Float arithmetic would differ by a step wherever a value lies near
    the middle between two. Codes are counted from their zero points on the way.
    """

    codes: Tensor
    multiplier: Tensor
    bias: Tensor

    def __init__(
        self, layer: nn.Module, inputs: LinearGrid, weights: LinearGrid, outputs: LinearGrid
    ) -> None:
        super().__init__()
        weight, bias = layer.weight, layer.bias
        assert isinstance(weight, Tensor)
        codes = weights.encode(weight).float()
        step = inputs.scale * weights.scale
        whole = torch.zeros(len(weight)) if not isinstance(bias, Tensor) else bias / step
        rounded = torch.round(whole.double()).clamp(-INT32_MAX, INT32_MAX)
        reach = float(inputs.high - inputs.low) * codes.flatten(1).abs().sum(1)
        # Wider sums than float32 holds exactly are rare; float64 is slower and always wide enough.
        narrow = float((reach + rounded.abs()).max()) < EXACT
        self.exact = torch.float32 if narrow else torch.float64
        self.layer, self.inputs, self.outputs = layer, inputs, outputs
        self.register_buffer("codes", codes.to(self.exact))
        self.register_buffer("multiplier", _by_output(step / outputs.scale, weight))
        self.register_buffer("bias", rounded.expand(len(weight)).to(self.exact))

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output on its grid; *x* is on the grid of the input."""
        outputs = self.outputs.to(str(x.device))
        lowest, highest = (end - int(outputs.zero_point) for end in (outputs.low, outputs.high))
        steps = self._sums(x).to(torch.float32).mul_(self.multiplier).round_()
        return steps.clamp_(lowest, highest).mul_(outputs.scale)

    def _sums(self, x: Tensor) -> Tensor:
        """Return the sums of products and the bias codes, exactly."""
        codes = x.mul(1.0 / self.inputs.scale.to(x.device)).round_()
        if self.exact is torch.float32 and x.device.type == "cpu" and fits(self.layer):
            assert isinstance(self.layer, nn.Conv2d)
            offset = int(self.inputs.zero_point) - self.inputs.low
            return convolve(self.layer, codes.add_(offset), offset, self.codes, self.bias)
        bias = {"bias": self.bias} if isinstance(self.layer.bias, Tensor) else {}
        values = {"weight": self.codes, **bias}
        sums: Tensor = functional_call(self.layer, values, (codes.to(self.exact),))
        return sums


class OnGrid(ActivationQuantizer):
    """Stands where a rounding would change nothing: what comes is on the grid already."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x."""
        return x


class InPlace(ActivationQuantizer):
    """Rounds to even steps, the same to the last bit, and writes no codes down in between."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x on the grid, same shape."""
        grid = self.grid.to(str(x.device))
        assert isinstance(grid, LinearGrid)
        lowest, highest = (end - int(grid.zero_point) for end in (grid.low, grid.high))
        return x.mul(1.0 / grid.scale).round_().clamp_(lowest, highest).mul_(grid.scale)


def compute_in_integers(module: fx.GraphModule, weight_grids: Mapping[str, Grid]) -> None:
    """Replace the layers that runtimes compute in integers (in place)."""
    for name, grids in integer_layers(module, weight_grids).items():
        module.set_submodule(name, IntegerLayer(module.get_submodule(name), *grids))
    for node, leaf in list(layer_calls(module)):
        if isinstance(leaf, ActivationQuantizer) and isinstance(leaf.grid, LinearGrid):
            kind = OnGrid if _comes_rounded(module, node) else InPlace
            module.set_submodule(str(node.target), kind(leaf.grid))
    copy_views(module)


def copy_views(module: fx.GraphModule) -> None:
    """Let views be copies where need be (in place): of pictures laid out otherwise none exist."""
    for node in module.graph.nodes:
        if node.op == "call_method" and node.target == "view":
            node.target = "reshape"
    module.recompile()


def _comes_rounded(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether what *node* rounds comes from an integer layer, unchanged or without a sign."""
    source = node.all_input_nodes[0]
    while is_one_of(module, source, KEEPS_GRID):
        source = source.all_input_nodes[0]
    return isinstance(leaf_of(module, source), IntegerLayer)


def _by_output(values: Tensor, weight: Tensor) -> Tensor:
    """Return one value for each output, in the shape that a batch of outputs broadcasts with."""
    spread = values.expand(len(weight)).clone()
    return spread.reshape([-1] + [1] * (weight.dim() - 2))
