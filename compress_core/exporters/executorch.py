"""ExecuTorch: a .pte whose graph is computed by XNNPACK, run in ExecuTorch's Python runtime."""

# mypy: disable-error-code="import-untyped"
# (executorch has no annotations)

from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.coded import coded_tables
from compress_core.compressed import Compressed
from compress_core.exporters.quiet import quiet
from compress_core.exporters.target import Runner, Written, check_even_steps
from compress_core.exporters.words import counted, memory, stored
from compress_core.integers import integer_layers
from compress_core.network import example, layer_calls, layer_weight, output_shapes
from compress_core.ship import ship

BOOKKEEPING = ("executorch_call_delegate", "getitem", "alloc")
"""What a program consists of besides operators: calls of XNNPACK and handing over tensors."""


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as one .pte file for one sample at a time."""
    check_even_steps(compressed, "ExecuTorch")
    integer = integer_layers(compressed.graph, compressed.weight_grids)
    coded = [*integer, *coded_tables(compressed)]
    with quiet():
        program = _lower(compressed, coded)
    path.write_bytes(program.buffer)
    layers = compressed.network.layers
    left = [layer.name for layer in layers if layer.macs and layer.name not in integer]
    return Written(
        weights=stored(compressed, lambda name: 8 if name in coded else 32),
        arithmetic="8 bit integers" if integer else "32 bit floats",
        rounds=bool(compressed.activation_grids),
        remark=memory(compressed),
        floats=(*(left if compressed.activation_grids else ()), *_outside(program)),
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the file in ExecuTorch, sample by sample, on one thread."""
    with quiet():
        from executorch.extension.pybindings import portable_lib
        from executorch.runtime import Runtime

        portable_lib._unsafe_reset_threadpool(1)
        method = Runtime.get().load_program(path).load_method("forward")
    assert method is not None

    def run(x: Tensor) -> Tensor:
        # The runtime reuses the memory of its answers.
        return torch.cat([method.execute([sample])[0].clone() for sample in x.split(1)])

    return run


def _lower(compressed: Compressed, coded: Collection[str]) -> Any:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from executorch.exir.backend.canonical_partitioners.duplicate_dequant_node_pass import (
        DuplicateDequantNodePass,
    )

    x = example(compressed.network)
    module = ship(compressed, coded)
    _take_slopes_apart(module, compressed.network.input_shape)
    _widen(module)
    exported = torch.export.export(module, (x,))
    # XNNPACK computes in integers between a decoder of its own and an encoder.
    edge = to_edge_transform_and_lower(
        exported,
        transform_passes=[DuplicateDequantNodePass()],
        partitioner=[XnnpackPartitioner()],
    )
    return edge.to_executorch()


class _Slopes(nn.Module):
    """A PReLU in operators for tensors of any rank; its values are the same to the last bit."""

    def __init__(self, slopes: Tensor, axes: int) -> None:
        super().__init__()
        self.register_buffer("slopes", slopes.detach().reshape(-1, *[1] * (axes - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Return x where it is positive, x times a slope elsewhere; same shape."""
        return x.clamp(min=0) + x.clamp(max=0) * self.get_buffer("slopes")


def _take_slopes_apart(module: fx.GraphModule, input_shape: tuple[int, ...]) -> None:
    """
    Replace each PReLU that reads no pictures (in place).

    ExecuTorch lays out what a PReLU reads as pictures, and gives up where it has no four axes.
    """
    nodes = [node for node, leaf in layer_calls(module) if isinstance(leaf, nn.PReLU)]
    shapes = output_shapes(module, input_shape) if nodes else {}
    for node in nodes:
        axes = len(shapes[node.name])  # without the batch
        if axes != 3:
            slopes = _Slopes(layer_weight(module, str(node.target)), axes)
            module.set_submodule(str(node.target), slopes)


class _Wide(nn.Module):
    """A convolution over time as one over pictures of one row; the values are the same."""

    def __init__(self, layer: nn.Conv1d) -> None:
        super().__init__()
        self.weight = nn.Parameter(layer.weight.detach().unsqueeze(2), requires_grad=False)
        self.bias = layer.bias
        assert not isinstance(layer.padding, str)
        stride, padding, dilation = (1, *layer.stride), (0, *layer.padding), (1, *layer.dilation)
        self.how = stride, padding, dilation, layer.groups

    def forward(self, x: Tensor) -> Tensor:
        """Return (samples x channels x times) for the same."""
        wide = nn.functional.conv2d(x.unsqueeze(2), self.weight, self.bias, *self.how)
        return wide.squeeze(2)


def _widen(module: fx.GraphModule) -> None:
    """
    Replace each Conv1d that computes in float (in place).

    XNNPACK does the same by itself, but wrongly where what the layer reads is clamped before.
    """
    for node, leaf in list(layer_calls(module)):
        if type(leaf) is not nn.Conv1d or isinstance(leaf.padding, str):
            continue
        if leaf.padding_mode == "zeros":
            module.set_submodule(str(node.target), _Wide(leaf))


def _outside(program: Any) -> tuple[str, ...]:
    """Return the operators that XNNPACK did not take, which ExecuTorch computes by itself."""
    names = [
        getattr(node.target, "__name__", str(node.target))
        for node in program.exported_program().graph.nodes
        if node.op == "call_function"
    ]
    return counted([name for name in names if name not in BOOKKEEPING])
