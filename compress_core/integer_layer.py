"""A layer computed as runtimes compute it: sums of products of codes, rounded once at the end."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

from compress_core.grids import Grid, LinearGrid, fake_quantize
from compress_core.int8 import convolve, fits, pack
from compress_core.integers import INT32_MAX, integer_layers, leaf_of
from compress_core.network import layer_calls
from compress_core.quantize import ACTIVATIONS, ActivationQuantizer, is_one_of
from compress_core.quick import copy_views
from compress_core.streaming import extremes

EXACT = 2**24
"""Whole numbers up to this are exact in float32, in whatever order they are added."""


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
        self,
        layer: nn.Module,
        codes: Tensor,
        inputs: LinearGrid,
        weights: LinearGrid,
        outputs: LinearGrid,
    ) -> None:
        super().__init__()
        bias, whole_codes = layer.bias, codes.float()
        step = inputs.scale * weights.scale
        whole = torch.zeros(len(codes)) if not isinstance(bias, Tensor) else bias / step
        rounded = torch.round(whole.double()).clamp(-INT32_MAX, INT32_MAX)
        reach = float(inputs.high - inputs.low) * whole_codes.flatten(1).abs().sum(1)
        self.reach = float(reach.max())
        # Wider sums than float32 holds exactly are rare; float64 is slower and always wide enough.
        narrow = float((reach + rounded.abs()).max()) < EXACT
        self.exact = torch.float32 if narrow else torch.float64
        self.layer, self.inputs, self.outputs = layer, inputs, outputs
        layer.weight = nn.Parameter(torch.empty(0), requires_grad=False)  # codes stand for it
        self.gives_codes = False
        """Whether those who read its output take codes instead (uint8, the lowest being 0)."""
        # As oneDNN takes them, or as they are multiplied.
        self.register_buffer("codes", codes if fits(layer) else whole_codes.to(self.exact))
        self.register_buffer("multiplier", _by_output(step / outputs.scale, codes))
        self.register_buffer("bias", rounded.expand(len(codes)).to(self.exact))
        self._packed: dict[torch.Size, Tensor] = {}

    def __getstate__(self) -> dict[str, Any]:
        # What oneDNN packed cannot be copied; it is packed anew where need be.
        return {**self.__dict__, "_packed": {}}

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output on its grid; *x* is on the grid of the input, or its codes."""
        outputs = self.outputs.to(str(x.device))
        lowest, highest = (end - int(outputs.zero_point) for end in (outputs.low, outputs.high))
        steps = self._sums(x).to(torch.float32).mul_(self.multiplier).round_()
        steps = steps.clamp_(lowest, highest)
        if not self.gives_codes:
            return steps.mul_(outputs.scale)
        return to_bytes(steps.sub_(lowest) if lowest else steps)

    def _sums(self, x: Tensor) -> Tensor:
        """Return the sums of products and the bias codes, exactly."""
        if x.device.type == "cpu" and fits(self.layer):
            if self.exact is torch.float32:
                return self._convolved(x, self.bias)
            if self.reach < INT32_MAX:
                # Only a bias is large, as a rule: that of a channel whose weights are all but zero.
                products = self._convolved(x, torch.zeros(len(self.bias)))
                if max(map(abs, extremes(products))) < EXACT:
                    return products.double() + self.bias.reshape(-1, 1, 1)
        codes = x - float(self.offset) if x.dtype is torch.uint8 else self._steps(x).round_()
        bias = {"bias": self.bias} if isinstance(self.layer.bias, Tensor) else {}
        values = {"weight": self.codes.to(self.exact), **bias}
        sums: Tensor = functional_call(self.layer, values, (codes.to(self.exact),))
        return sums

    def _convolved(self, x: Tensor, bias: Tensor) -> Tensor:
        assert isinstance(self.layer, nn.Conv2d)
        # Steps are whole but for their last bits: cutting half a step above is rounding.
        codes = x if x.dtype is torch.uint8 else to_bytes(self._steps(x).add_(self.offset + 0.5))
        if codes.shape not in self._packed:
            packed = pack(self.layer, codes.shape, self.offset, self.codes)
            self._packed = {codes.shape: packed}
        return convolve(self.layer, codes, self.offset, self._packed[codes.shape], bias)

    def _steps(self, x: Tensor) -> Tensor:
        return x.mul(1.0 / self.inputs.scale.to(x.device))

    @property
    def offset(self) -> int:
        """Code of zero in the input, counted from the lowest."""
        return int(self.inputs.zero_point) - self.inputs.low


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


SAME = (OnGrid, nn.Identity)
"""What codes pass as values do."""


def to_bytes(whole: Tensor) -> Tensor:
    """Return what lies before the decimal point of 0 to 255.9, as uint8, laid out alike."""
    if whole.device.type != "cpu":
        return whole.to(torch.uint8)
    # Three times as fast as torch's own conversion.
    return torch.from_numpy(whole.numpy().astype(np.uint8))


def compute_in_integers(
    module: fx.GraphModule, weight_grids: Mapping[str, Grid], codes: Mapping[str, Tensor]
) -> None:
    """Replace the layers that runtimes compute in integers (in place); *codes* are of weights."""
    for name, grids in integer_layers(module, weight_grids).items():
        module.set_submodule(name, IntegerLayer(module.get_submodule(name), codes[name], *grids))
    _drop_idle(module)
    for node, leaf in list(layer_calls(module)):
        if isinstance(leaf, ActivationQuantizer) and isinstance(leaf.grid, LinearGrid):
            source = leaf_of(module, node.all_input_nodes[0])
            kind = OnGrid if isinstance(source, IntegerLayer) else InPlace
            module.set_submodule(str(node.target), kind(leaf.grid))
    _pass_codes(module)
    copy_views(module)
    module.recompile()


def _pass_codes(module: fx.GraphModule) -> None:
    """Let integer layers give each other codes where nobody else wants their values (in place)."""
    for node, layer in list(layer_calls(module)):
        if not isinstance(layer, IntegerLayer):
            continue
        layer.gives_codes = all(
            type(leaf) in (*SAME, IntegerLayer) for leaf in _readers(module, node)
        )


def _readers(module: fx.GraphModule, node: fx.Node) -> Iterator[nn.Module | None]:
    """Yield all that reads the value of *node*, and what reads that where it stays the same."""
    for reader in node.users:
        leaf = leaf_of(module, reader)
        yield leaf
        if type(leaf) in SAME:
            yield from _readers(module, reader)


def _drop_idle(module: fx.GraphModule) -> None:
    """
    Leave out the activation functions that change nothing (in place).

    An integer layer's values are on a grid. A function that gives each of them back, once rounded,
    has had its say when the grid was made: its lowest value is 0, and its highest 6, say.
    """
    runner = fx.Interpreter(module)
    for node in list(module.graph.nodes):
        if not is_one_of(module, node, ACTIVATIONS):
            continue
        source = node.all_input_nodes[0]
        layer = leaf_of(module, source)
        if isinstance(layer, IntegerLayer) and _is_idle(runner, node, layer.outputs):
            node.replace_all_uses_with(source)
            module.graph.erase_node(node)


def _is_idle(runner: fx.Interpreter, node: fx.Node, grid: LinearGrid) -> bool:
    values = grid.values()
    runner.env[node.all_input_nodes[0]] = values.clone()
    return torch.equal(fake_quantize(runner.run_node(node), grid), values)


def _by_output(values: Tensor, weight: Tensor) -> Tensor:
    """Return one value for each output, in the shape that a batch of outputs broadcasts with."""
    spread = values.expand(len(weight)).clone()
    return spread.reshape([-1] + [1] * (weight.dim() - 2))
