"""ONNX: the graph with Q/DQ pairs and weights as 4, 8 or 16 bit codes, run in ONNX Runtime."""

# mypy: disable-error-code="import-untyped"
# (onnxruntime has no annotations)

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, fx

from compress_core.compressed import Compressed
from compress_core.exporters.onnx_size import stored_bits
from compress_core.exporters.quiet import quiet
from compress_core.exporters.target import Runner, Written
from compress_core.exporters.words import counted, memory, stored
from compress_core.integers import integer_layers
from compress_core.network import example
from compress_core.ship import ship

OPSET = 21
"""The first with 4 bit integers; ONNX Runtime reads it from 1.20 on."""
COMPUTING = frozenset(
    {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "Add", "Scan"}
)
"""Operators that cost time; with integers at work they are called QLinearConv, QGemm and so on."""


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as one .onnx file for any batch size."""
    import onnx

    from compress_core.exporters.onnx_weights import store_codes

    with quiet():
        model = _convert(ship(compressed), example(compressed.network, 2))
    _without_signs(model.graph)
    _multiply_inputs(model.graph)
    store_codes(model, compressed)
    _strip(model)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    integer = integer_layers(compressed.graph, compressed.weight_grids)
    return Written(
        weights=stored(compressed, lambda name: stored_bits(compressed.weight_grids.get(name))),
        arithmetic="8 bit integers" if integer else "32 bit floats",
        rounds=bool(compressed.activation_grids),
        remark=memory(compressed),
        floats=_floats(path) if integer else (),
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the file, in ONNX Runtime on one thread of the processor."""
    session = _session(path)
    name = session.get_inputs()[0].name

    def run(x: Tensor) -> Tensor:
        (answer,) = session.run(None, {name: x.numpy()})
        return torch.from_numpy(answer)

    return run


def _convert(module: fx.GraphModule, x: Tensor) -> Any:
    """Return the model as torch writes it; the batch size is free."""
    batch = {0: torch.export.Dim.DYNAMIC}
    program = torch.export.export(module, (x,), dynamic_shapes=(batch,))
    converted = torch.onnx.export(
        program,
        dynamo=True,
        opset_version=OPSET,
        input_names=["input"],
        output_names=["output"],
        verbose=False,
    )
    assert converted is not None
    return converted.model_proto


def _without_signs(graph: Any) -> None:
    """
    Let activations be uint8 instead of int8 (in place): 128 is added to every code.

    ONNX Runtime does so by itself on x86, but not where two layers read one activation; then
    signed and unsigned meet and everything around is computed in float.
    """
    import numpy as np
    from onnx import numpy_helper

    roundings = [n for n in graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    zero_points = {node.input[2] for node in roundings}
    for tensor in graph.initializer:
        if tensor.name in zero_points:
            codes = numpy_helper.to_array(tensor).astype(np.int16) + 128
            tensor.CopyFrom(numpy_helper.from_array(codes.astype(np.uint8), tensor.name))


def _multiply_inputs(graph: Any) -> None:
    """
    Let the input be multiplied by one over its scale before it is rounded (in place).

    ONNX Runtime divides, everything else here multiplies: where a value lies in the middle between
    two codes, the last bit decides. Inputs that are measured, resized say, take millions of values.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    inputs = {each.name for each in graph.input}
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for place, node in reversed([*enumerate(graph.node)]):
        if node.op_type != "QuantizeLinear" or node.input[0] not in inputs:
            continue
        scale = numpy_helper.to_array(tensors[node.input[1]])
        names = [f"{node.input[1]}.{what}" for what in ("inverse", "one")]
        values = (np.float32(1) / scale, np.ones_like(scale))
        graph.initializer.extend(map(numpy_helper.from_array, values, names))
        multiplied = f"{node.output[0]}.steps"
        graph.node.insert(place, helper.make_node("Mul", [node.input[0], names[0]], [multiplied]))
        after = graph.node[place + 1]
        after.input[0], after.input[1] = multiplied, names[1]


def _strip(model: Any) -> None:
    """Remove what describes the exporter's own workings: about 30 kB of stack traces."""
    del model.metadata_props[:]
    _strip_graph(model.graph)
    for end in (*model.graph.input, *model.graph.output):
        end.type.tensor_type.shape.dim[0].dim_param = "batch"


def _strip_graph(graph: Any) -> None:
    del graph.metadata_props[:], graph.value_info[:]
    graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    for node in graph.node:
        node.name = ""
        for attribute in node.attribute:
            if attribute.HasField("g"):  # what a loop does
                _strip_graph(attribute.g)


def _session(path: Path, optimized: Path | None = None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    if optimized is not None:
        # The last level would also lay out data for this processor, which onnx cannot read.
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.graph_optimization_level = level
        options.optimized_model_filepath = str(optimized)
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _floats(path: Path) -> tuple[str, ...]:
    """Return the computing operators that are left in float after the runtime's optimization."""
    import onnx

    with TemporaryDirectory() as folder:
        _session(path, Path(folder) / "optimized.onnx")
        model = onnx.load(Path(folder) / "optimized.onnx")
    return counted([node.op_type for node in model.graph.node if node.op_type in COMPUTING])
