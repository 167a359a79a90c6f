"""How operators over rows of values are written into a specimen's file, as the exporter does."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from compress_core.operators import Kind, Operator


class Pen(Protocol):
    """What collects operators and tensors."""

    nodes: list[onnx.NodeProto]
    integers: bool
    """Values are rounded to codes between operators."""

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Write an operator and return the name of its value."""
        ...

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """Write a tensor and return its name."""
        ...


Write = Callable[[Any, Operator, list[str], str], str]
"""(pen, operator, names of all values so far, prefix) -> name of the value."""


def _embedding(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    table = pen.tensor(f"{name}.table", np.ones((1000, o.outputs), np.float32))
    return pen.node("Gather", [table, values[-1]], axis=0)


def _transpose(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    return pen.node("Transpose", values[-1:], perm=[0, 2, 1] if o.groups == 1 else [0, 1, 3, 2])


def _product(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    """Multiply the input with itself turned, and what comes of that with the input."""
    pair = values if len(values) == 2 else [values[-1], values[0]]
    return pen.node("MatMul", pair)


def _softmax(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    value = values[-1]
    if pen.integers:
        # As in exports: it parts them, so that runtimes compute the softmax in floats.
        ends = (pen.tensor(f"{name}.{end}", np.array(end, np.float32)) for end in (0, 16))
        value = pen.node("Clip", [value, *ends])
    return pen.node("Softmax", [value], axis=-1)


def _norm(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    scale = pen.tensor(f"{name}.scale", np.ones(o.inputs, np.float32))
    bias = pen.tensor(f"{name}.bias", np.zeros(o.inputs, np.float32))
    return pen.node("LayerNormalization", [values[-1], scale, bias], axis=-1)


def _mean_time(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    axes = pen.tensor(f"{name}.axes", np.array([1]))
    return pen.node("ReduceMean", [values[-1], axes], keepdims=0)


def _pick(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    return pen.node("Gather", [values[-1], pen.tensor(f"{name}.last", np.array(-1))], axis=1)


def _memory(pen: Pen, o: Operator, values: list[str], name: str) -> str:
    """Write the loop over moments; states begin as zeros, one for each sample."""
    first = pen.node("Gather", [values[-1], pen.tensor(f"{name}.first", np.array(0))], axis=1)
    cut = {"start": 0, "end": o.outputs, "axis": 1}
    ends = [pen.tensor(f"{name}.{what}", np.array([at])) for what, at in cut.items()]
    shape = pen.node("Shape", [pen.node("Slice", [first, *ends])])
    zero = pen.tensor(f"{name}.zero", np.zeros((1, 1), np.float32))
    moments = pen.node("Transpose", values[-1:], perm=[1, 0, 2])
    weight = np.full((o.inputs, o.outputs), 0.01, np.float32)
    parts = {"weight": weight, "bias": np.zeros(o.inputs, np.float32), "one": np.array(1, "f4")}
    for part, array in parts.items():
        pen.tensor(part, array)
    gates, states, steps = STEPS[o.kind]
    begins = [pen.node("Expand", [zero, shape]) for _ in states]
    answers = [f"{name}.{state}" for state in (*states, "answers")]
    body = _body(o, gates, states, steps)
    loop = helper.make_node("Scan", [*begins, moments], answers, num_scan_inputs=1, body=body)
    pen.nodes.append(loop)
    return pen.node("Transpose", answers[-1:], perm=[1, 0, 2])


Step = tuple[str, str, str]
"""Operator, what it reads, and what comes of it."""
GRU: tuple[Step, ...] = (
    ("Add", "x1 h1", "a"),
    ("Sigmoid", "a", "update"),
    ("Add", "x0 h0", "b"),
    ("Sigmoid", "b", "reset"),
    ("Mul", "reset h2", "c"),
    ("Add", "x2 c", "d"),
    ("Tanh", "d", "new"),
    ("Sub", "one update", "e"),
    ("Mul", "e new", "f"),
    ("Mul", "update out", "g"),
    ("Add", "f g", "out.next"),
)
LSTM: tuple[Step, ...] = (
    *(("Add", f"x{gate} h{gate}", f"s{gate}") for gate in range(4)),
    ("Sigmoid", "s0", "into"),
    ("Sigmoid", "s1", "keep"),
    ("Tanh", "s2", "new"),
    ("Sigmoid", "s3", "let"),
    ("Mul", "keep cell", "a"),
    ("Mul", "into new", "b"),
    ("Add", "a b", "cell.next"),
    ("Tanh", "cell.next", "c"),
    ("Mul", "let c", "out.next"),
)
STEPS = {"gru": (3, ("out",), GRU), "lstm": (4, ("out", "cell"), LSTM)}
"""Kind -> gates, states, and what one moment does to them."""


def _body(
    o: Operator, gates: int, states: tuple[str, ...], steps: tuple[Step, ...]
) -> onnx.GraphProto:
    """Return what the loop does in one moment: as `recurrence` writes it."""
    split = partial(helper.make_node, "Split", axis=1, num_outputs=gates)
    nodes = [
        split(["moment"], [f"x{gate}" for gate in range(gates)]),
        helper.make_node("Gemm", ["out", "weight", "bias"], ["product"], transB=1),
        split(["product"], [f"h{gate}" for gate in range(gates)]),
        *(helper.make_node(kind, reads.split(), [gives]) for kind, reads, gives in steps),
        helper.make_node("Identity", ["out.next"], ["answer"]),
    ]
    before = {**dict.fromkeys(states, o.outputs), "moment": o.inputs}
    after = {**{f"{state}.next": o.outputs for state in states}, "answer": o.outputs}
    reads, gives = (
        [helper.make_tensor_value_info(at, TensorProto.FLOAT, [None, n]) for at, n in end.items()]
        for end in (before, after)
    )
    return helper.make_graph(nodes, "moment", reads, gives)


ROW_WRITERS: dict[Kind, Write] = {
    "embedding": _embedding,
    "transpose": _transpose,
    "product": _product,
    "softmax": _softmax,
    "norm": _norm,
    "mean-time": _mean_time,
    "pick": _pick,
    "gru": _memory,
    "lstm": _memory,
}
