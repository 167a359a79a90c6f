"""ONNX files: the protobuf message -> nodes and tensors -> the normal form."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from compress_core.importers.archive import shown
from compress_core.importers.builder import Builder
from compress_core.importers.exported import module_of
from compress_core.importers.onnx_call import Call, to_tensor
from compress_core.importers.onnx_layers import LAYERS
from compress_core.importers.onnx_math import MATH
from compress_core.importers.onnx_shapes import SHAPES
from compress_core.importers.onnx_weights import LIGHT, Place, lay_aside, mapped, point_to
from compress_core.importers.values import Value, constant
from compress_core.importers.wire import damaged
from compress_core.refusal import IntakeError

OPERATORS = {**LAYERS, **SHAPES, **MATH}
MOST_NODES = 50_000
DOMAINS = ("", "ai.onnx")
QUANTIZED = frozenset({"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger",
                       "MatMulInteger", "QLinearMatMul"})  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """What a file holds: nodes in order of execution, tensors by name, one input, one output."""

    path: Path
    """Of the model as ONNX Runtime can run it, with its large weights beside it."""
    nodes: list[Any]
    tensors: dict[str, Tensor]
    opset: int
    input: str
    sizes: tuple[int | None, ...]
    """Of the input with the batch; None where free."""
    whole: bool
    """Whether the input is whole numbers (tokens)."""
    output: str
    others: dict[str, tuple[int | None, ...]] = field(default_factory=dict)


def read(path: Path, folder: Path) -> Model:
    """
    Return the network in an ONNX file, its large weights mapped from a copy in *folder*.

    Raises IntakeError.
    """
    import onnx
    import onnx.inliner

    light, places = lay_aside(path, folder)
    try:
        proto = onnx.load_model_from_string(light)
    except Exception as error:
        raise damaged() from error
    graph = proto.graph
    if not graph.node or not graph.output:
        raise IntakeError("This ONNX file holds no network.")
    if len(graph.node) > MOST_NODES:
        raise IntakeError(f"This network has {len(graph.node):,} operators; that is absurd.")
    _check_inside(proto)
    aside = _point(graph, places, folder)
    (folder / LIGHT).write_bytes(proto.SerializeToString())
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
        graph = proto.graph
    inside = [t for t in graph.initializer if t.name not in aside]
    tensors = {**{t.name: to_tensor(t) for t in inside}, **aside}
    used = {name for node in graph.node for name in node.input}
    inputs = [i for i in graph.input if i.name not in tensors and i.name in used]
    if len(inputs) != 1:
        names = ", ".join(shown(i.name) for i in inputs[:6]) or "none"
        raise IntakeError(
            f"This network reads {len(inputs)} inputs at once ({names}); only networks that read "
            "one can be compressed here."
        )
    kind = inputs[0].type.tensor_type
    versions = [o.version for o in proto.opset_import if o.domain in DOMAINS]
    return Model(
        path=folder / LIGHT,
        nodes=list(graph.node),
        tensors=tensors,
        opset=max(versions, default=1),
        input=inputs[0].name,
        sizes=tuple(
            d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
            for d in kind.shape.dim
        ),
        whole=kind.elem_type in WHOLE,
        output=graph.output[0].name,
    )


def _point(graph: Any, places: dict[int, Place], folder: Path) -> dict[str, Tensor]:
    """Let the tensors that were laid aside point to their values, and return these by name."""
    found = {}
    for number, place in places.items():
        tensor = graph.initializer[number]
        point_to(tensor, place)
        found[tensor.name] = mapped(tensor, place, folder)
    return found


WHOLE = (3, 5, 6, 7, 2, 12, 13)
"""Types of whole numbers in the format (TensorProto.DataType)."""


def build(model: Model, input_shape: tuple[int, ...]) -> fx.GraphModule:
    """Return the network in normal form; raises IntakeError."""
    b = Builder(input_shape, whole=model.whole)
    b.fixed_batch = model.sizes[0]
    known: dict[str, Value | None] = {"": None, model.input: b.input}
    known |= {name: constant(tensor) for name, tensor in model.tensors.items()}
    uses = Counter(name for node in model.nodes for name in node.input)
    uses[model.output] += 1
    for node in model.nodes:
        results = _results(b, _call(node, known, uses, model.opset))
        if len(node.output) > len(results) and any(node.output[len(results) :]):
            missing = [n for n in node.output[len(results) :] if uses[n]]
            if missing:
                raise IntakeError(
                    f"This network uses a second result of {shown(node.op_type)}, which is not "
                    "supported here."
                )
        known |= dict(zip(node.output, results, strict=False))
    answer = known.get(model.output)
    if answer is None:
        raise IntakeError("The output of this ONNX file is computed by none of its operators.")
    return b.finish(answer)


def runner(model: Model) -> Callable[[Tensor], Tensor]:
    """Return what runs the file itself as it stands, in ONNX Runtime on one thread."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # What it would rearrange, it would hold a second time.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    try:
        session = onnxruntime.InferenceSession(
            str(model.path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        lines = str(error).strip().splitlines()
        raise IntakeError(
            f"ONNX Runtime cannot load this file: {lines[0][:200] if lines else error}"
        ) from error
    taken = next(i for i in session.get_inputs() if i.name == model.input)
    kind = TYPES.get(taken.type, np.float32)

    def run(x: Tensor) -> Tensor:
        (answer,) = session.run([model.output], {model.input: x.numpy().astype(kind)})
        return torch.from_numpy(np.asarray(answer, np.float32))

    return run


TYPES: dict[str, Any] = {
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(int16)": np.int16,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}  # fmt: skip


def _check_inside(proto: Any) -> None:
    """Raise IntakeError for what points outside the file or holds graphs within graphs."""
    for tensor in proto.graph.initializer:
        if tensor.data_location == 1 or tensor.external_data:
            raise IntakeError(
                "The weights of this network lie in another file beside it; write it as one file "
                "(onnx.save_model(onnx.load('model.onnx'), 'whole.onnx'))."
            )
    for node in proto.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise IntakeError(
                    f"This network decides as it runs ({shown(node.op_type)}); only networks with "
                    "one fixed path can be compressed here."
                )


def _call(node: Any, known: dict[str, Value | None], uses: Counter[str], opset: int) -> Call:
    from onnx import helper

    if node.domain not in (*DOMAINS, "com.microsoft") or node.op_type not in OPERATORS:
        if node.op_type in QUANTIZED or node.op_type.startswith("QLinear"):
            raise IntakeError(
                "This network is quantized already; bring the network as it was before, in floats."
            )
        raise IntakeError(
            f"This network uses the operator {shown(node.op_type)}, which is not understood here, "
            "so it was not taken in; a version of it without this operator can be."
        )
    missing = [name for name in node.input if name not in known]
    if missing:
        raise IntakeError(f"This ONNX file reads {shown(missing[0])} before it is computed.")
    return Call(
        kind=node.op_type,
        path=_path(node, known),
        names=list(node.input),
        inputs=[known[name] for name in node.input],
        attributes={a.name: _attribute(helper, a) for a in node.attribute},
        outputs=len(node.output),
        alone=[uses[name] == 1 for name in node.input],
        opset=opset,
    )


def _attribute(helper: Any, attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if attribute.type in (6, 7, 8) else value


def _results(b: Builder, call: Call) -> tuple[Value, ...]:
    try:
        result = OPERATORS[call.kind](b, call)
    except IntakeError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        raise IntakeError(
            f"The operator {shown(call.kind)} at {shown(call.path)} of this network cannot be "
            f"read: {(lines[0] if lines else type(error).__name__)[:160].rstrip('.')}."
        ) from error
    return result if isinstance(result, tuple) else (result,)


def _path(node: Any, known: dict[str, Value | None]) -> str:
    """Return where the layer of a node lay: by its weight's name, else by its own."""
    for name in node.input[1:]:
        value = known.get(name)
        if value is not None and value.known and re.fullmatch(r"[\w.]+\.[\w.]+", name):
            return module_of(name)
    if "/" not in node.name:
        return str(node.op_type).lower()
    found: list[str] = []
    for part in node.name.strip("/").split("/")[:-1]:
        # Members of a sequence repeat its name: /stage1/stage1.0/conv1/Conv.
        if found and part.startswith(f"{found[-1]}."):
            found[-1] = part
        else:
            found.append(part)
    return ".".join(found) or str(node.op_type).lower()
