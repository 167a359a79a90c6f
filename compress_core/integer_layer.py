"""A layer computed as runtimes compute it: sums of products of codes, rounded once at the end."""

from collections.abc import Mapping

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

from compress_core.grids import Grid, LinearGrid
from compress_core.integers import INT32_MAX, integer_layers

EXACT = 2**24
"""Whole numbers up to this are exact in float32, in whatever order they are added."""


class IntegerLayer(nn.Module):
    """
    The layer between two roundings in integer arithmetic (Jacob et al., 2018).

    code of the output = round((sum of input codes * weight codes + bias code) * multiplier), with
    multiplier = input scale * weight scale / output scale in float32, halves to even, as ONNX
    Runtime and XNNPACK do it. Float arithmetic would differ by a step wherever a value lies near
    the middle between two.
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
        reach = float(inputs.high - inputs.low) * codes.flatten(1).abs().sum(1).max()
        # Wider sums than float32 holds exactly are rare; float64 is slower and always wide enough.
        self.exact = torch.float32 if float(reach) < EXACT else torch.float64
        self.layer, self.inputs, self.outputs = layer, inputs, outputs
        # The sum is taken without the bias, whose code may be too large for float32.
        no_bias = torch.zeros(len(weight), dtype=self.exact)
        self.no_bias = {"bias": no_bias} if isinstance(bias, Tensor) else {}
        self.register_buffer("codes", codes.to(self.exact))
        step = inputs.scale * weights.scale
        self.register_buffer("multiplier", _by_output(step / outputs.scale, weight))
        whole = torch.zeros(len(weight)) if not isinstance(bias, Tensor) else bias / step
        rounded = torch.round(whole.double()).clamp(-INT32_MAX, INT32_MAX)
        self.register_buffer("bias", _by_output(rounded.to(torch.int32), weight))

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output on its grid; *x* is on the grid of the input."""
        inputs, outputs = (grid.to(str(x.device)) for grid in (self.inputs, self.outputs))
        codes = inputs.encode(x).to(self.exact) - inputs.zero_point
        values = {"weight": self.codes} | {n: t.to(x.device) for n, t in self.no_bias.items()}
        sums = functional_call(self.layer, values, (codes,)).to(torch.int32) + self.bias
        steps = sums.to(torch.float32).mul_(self.multiplier).round_().add_(outputs.zero_point)
        return outputs.decode(steps.clamp_(outputs.low, outputs.high).to(torch.int8))


def compute_in_integers(module: fx.GraphModule, weight_grids: Mapping[str, Grid]) -> None:
    """Replace the layers that runtimes compute in integers (in place)."""
    for name, grids in integer_layers(module, weight_grids).items():
        module.set_submodule(name, IntegerLayer(module.get_submodule(name), *grids))


def _by_output(values: Tensor, weight: Tensor) -> Tensor:
    """Return one value for each output, in the shape that a batch of outputs broadcasts with."""
    spread = values.expand(len(weight)).clone()
    return spread.reshape([-1] + [1] * (weight.dim() - 2))
