"""
LiteRT, TensorFlow's mobile runtime: a .tflite with int8 codes, run in LiteRT. An optional extra.

Its converter wants float weights that are rounded in the graph (it refuses stored codes) and its
static mode, which it derives from a quantizer of its own; that one has nothing left to do here.
"""

import operator
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

from compress_core.coded import CodedLayer, coded_tables
from compress_core.compressed import Compressed
from compress_core.exporters.quiet import quiet
from compress_core.exporters.target import Runner, Written, check_even_steps, check_moments
from compress_core.exporters.words import memory, stored
from compress_core.integers import integer_layers, leaf_of
from compress_core.network import example
from compress_core.quantize import is_one_of
from compress_core.recurrence import loop
from compress_core.ship import SOFTMAX, ship


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as one .tflite file for one sample at a time."""
    check_moments(compressed, "LiteRT")
    check_even_steps(compressed, "LiteRT")
    integer = integer_layers(compressed.graph, compressed.weight_grids)
    coded = [*integer, *coded_tables(compressed)]
    module = ship(compressed, coded, loop)
    for name in integer:
        layer = module.get_submodule(name)
        assert isinstance(layer, CodedLayer)
        module.set_submodule(name, RoundedLayer(layer))
    if compressed.activation_grids:
        _keep_floats(module)
    for name, leaf in list(module.named_modules()):
        if isinstance(leaf, nn.AdaptiveAvgPool1d) and leaf.output_size == 1:
            module.set_submodule(name, Means())
        whole = isinstance(leaf, nn.AvgPool1d) and leaf.stride == leaf.kernel_size
        if whole and leaf.padding == (0,):
            module.set_submodule(name, Means(leaf.kernel_size[0]))
    with quiet():
        x = example(compressed.network)
        converter = import_module("litert_torch")
        settings = _static_mode() if integer else None
        converter.convert(module, (x,), quant_config=settings).export(str(path))
    layers = compressed.network.layers
    left = [layer.name for layer in layers if layer.macs and layer.name not in integer]
    return Written(
        weights=stored(compressed, lambda name: 8 if name in coded else 32),
        arithmetic="8 bit integers" if integer else "32 bit floats",
        rounds=bool(compressed.activation_grids),
        remark=memory(compressed),
        floats=tuple(left) if compressed.activation_grids else (),
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the file in LiteRT, sample by sample, on one thread."""
    with quiet():
        module = import_module("ai_edge_litert.interpreter")
        interpreter = module.Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()

    def run(x: Tensor) -> Tensor:
        answers = [_answer(interpreter, sample[None]) for sample in x.numpy()]
        return torch.from_numpy(np.concatenate(answers))

    return run


def _keep_floats(module: fx.GraphModule) -> None:
    """
    Write what LiteRT would compute in integers of its own in other words, for which it has none.

    It takes a value for an integer one wherever it is rounded right before and right after. Its
    sums and products of such values are off by a step now and then; a softmax it looks up.
    """
    for node in list(module.graph.nodes):
        kind = next((kind for kind in FLOATS if is_one_of(module, node, kind)), None)
        if kind is None or "alpha" in node.kwargs:
            continue
        leaf = leaf_of(module, node)
        of = node.all_input_nodes
        if kind is SOFTMAX:
            axis = leaf.dim if leaf is not None else node.kwargs.get("dim", node.args[-1])
            of = (of[0], axis)
        elif len(of) < 2:
            continue  # a number is added: that is no sum of two roundings
        with module.graph.inserting_before(node):
            spelt = module.graph.call_function(FLOATS[kind], tuple(of))
        node.replace_all_uses_with(spelt)
        module.graph.erase_node(node)
    module.recompile()


def _total(a: Tensor, b: Tensor) -> Tensor:
    """Return a + b."""
    return b - (-a)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return a @ b."""
    return -(a @ (-b))


def _shares(x: Tensor, axis: int) -> Tensor:
    """
    Return the softmax of *x* along *axis*.

    The sum is at least 1, as one power is: said aloud, it keeps the converter from finding the
    softmax in this.
    """
    powers = torch.exp(x - x.amax(axis, keepdim=True))
    return powers / powers.sum(axis, keepdim=True).clamp(min=1)


FLOATS: dict[tuple[Any, ...], Callable[..., Tensor]] = {
    (operator.add, operator.iadd, torch.add, "add"): _total,
    (operator.matmul, torch.matmul, torch.bmm, "matmul", "bmm"): _product,
    SOFTMAX: _shares,
}
"""Operators -> the same in other words, computed in float."""


class RoundedLayer(nn.Module):
    """A layer whose float weight is rounded to its codes and back each time it is used."""

    def __init__(self, coded: CodedLayer) -> None:
        super().__init__()
        self.layer, self.grid = coded.layer, coded.grid
        weight = coded.grid.decode(coded.get_buffer("codes"))
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer gives with the rounded weight."""
        weight = self.grid.decode(self.grid.encode(self.weight))
        result: Tensor = functional_call(self.layer, {"weight": weight}, (x,))
        return result


class Means(nn.Module):
    """
    The means of *length* values each along the last axis, or the one of all.

    LiteRT has an average pool as well, but one that leaves no other steps than it reads: what does
    not fit into those of the mean would be cut off before.
    """

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: Tensor) -> Tensor:
        """Return (N x channels x means) for (N x channels x values)."""
        length = self.length or x.shape[-1]
        count = x.shape[-1] // length
        whole = x[..., : count * length]
        return whole.reshape(*x.shape[:-1], count, length).mean(-1)


def _static_mode() -> Any:
    quantizers = import_module("litert_torch.quantize.pt2e_quantizer")
    settings = import_module("litert_torch.quantize.quant_config")
    how = quantizers.get_symmetric_quantization_config(is_per_channel=True, is_dynamic=False)
    return settings.QuantConfig(pt2e_quantizer=quantizers.PT2EQuantizer().set_global(how))


def _answer(interpreter: Any, sample: Any) -> Any:
    """Return the answer in floats; where the file takes and gives codes, these are converted."""
    (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
    if inputs["dtype"] is np.int8:
        scale, zero_point = inputs["quantization"]
        codes = np.round(sample / np.float32(scale)) + zero_point
        sample = np.clip(codes, -128, 127)
    interpreter.set_tensor(inputs["index"], sample.astype(inputs["dtype"]))
    interpreter.invoke()
    answer = interpreter.get_tensor(outputs["index"])
    if outputs["dtype"] is np.int8:
        scale, zero_point = outputs["quantization"]
        answer = (answer.astype(np.float32) - zero_point) * np.float32(scale)
    return answer
