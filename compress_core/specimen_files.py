"""Files of one layer, or a few equal ones in a row, in the operators that the exporter writes."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from compress_core.operators import Kind, Operator
from compress_core.specimen_row_files import ROW_WRITERS
from compress_core.specimen_rows import OF_ROWS
from compress_core.specimens import Specimen, sides

OPSET, IR = 21, 10
"""As the exporter writes them."""
SCALE = 0.05
"""Of every activation; the time does not depend on values."""


def model_of(specimen: Specimen) -> bytes:
    """Return the .onnx file of a specimen; its batch size is free."""
    writer = _Writer(specimen)
    writer.write()
    last = specimen.operators[-1]
    tokens = specimen.operators[0].kind == "embedding"
    kinds = (TensorProto.INT64 if tokens else TensorProto.FLOAT, TensorProto.FLOAT)
    shapes = (specimen.input_shape, _answer(last))
    ends = [
        helper.make_tensor_value_info(name, kind, ["batch", *shape])
        for name, kind, shape in zip(("input", "output"), kinds, shapes, strict=True)
    ]
    graph = helper.make_graph(writer.nodes, "layer", ends[:1], ends[1:], writer.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    return bytes(model.SerializeToString())


def _answer(last: Operator) -> list[int]:
    """Return the shape of what the last operator gives, without the batch."""
    if last.kind in ("linear", "reshape", "pick", "mean-time"):
        return [last.outputs]
    if last.kind in (*OF_ROWS, "embedding"):
        heads = [last.groups] if last.groups > 1 else []
        return [*heads, last.positions // last.groups, last.outputs]
    return [last.outputs, *sides(last.positions, last)]


class _Writer:
    """Collects operators and tensors, one value after the other."""

    def __init__(self, specimen: Specimen) -> None:
        self.specimen = specimen
        self.integers = specimen.precision == "int8"
        self.values = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[TensorProto] = []

    def write(self) -> None:
        """Write the operators between the input and the output."""
        work = self.specimen.operators
        # Tokens are no quantities, so there is nothing to round.
        values = ["input"] if work[0].kind == "embedding" else [self._rounded("input")]
        for index, operator in enumerate(work):
            value = WRITERS[operator.kind](self, operator, values, f"l{index}")
            following = work[index + 1].kind if index + 1 < len(work) else None
            if operator.kind in ("conv", "linear") and following != "add":
                value = self.node("Relu", [value])
            # Functions after sums come before rounding, as after layers.
            rounds = not (operator.kind == "add" and following == "relu")
            values.append(self._rounded(value) if rounds else value)
        self.nodes[-1].output[0] = "output"

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def _rounded(self, value: str) -> str:
        """Round to uint8 and back where integers are asked for."""
        if not self.integers:
            return value
        if not any(tensor.name == "scale" for tensor in self.tensors):
            self.tensor("scale", np.array(SCALE, np.float32))
            self.tensor("zero", np.array(0, np.uint8))
        codes = self.node("QuantizeLinear", [value, "scale", "zero"])
        return self.node("DequantizeLinear", [codes, "scale", "zero"])

    def weight(self, name: str, *shape: int) -> str:
        if not self.integers:
            # The spread keeps values from growing or vanishing: denormal floats are slow.
            values = self.values.standard_normal(shape) * (2 / prod(shape[1:])) ** 0.5
            return self.tensor(name, values.astype(np.float32))
        codes = self.values.integers(-127, 128, shape).astype(np.int8)
        inputs = [
            self.tensor(f"{name}.codes", codes),
            self.tensor(f"{name}.scale", np.full(shape[0], 0.01, np.float32)),
            self.tensor(f"{name}.zero", np.zeros(shape[0], np.int8)),
        ]
        return self.node("DequantizeLinear", inputs, axis=0)

    def layer(self, o: Operator, values: list[str], name: str) -> str:
        """Write a convolution or a linear layer."""
        kernel = sides(o.kernel, o) if o.kind == "conv" else []
        weight = self.weight(name, o.outputs, o.inputs // o.groups, *kernel)
        bias = self.tensor(f"{name}.bias", np.zeros(o.outputs, np.float32))
        if o.kind == "linear":
            return self.node("Gemm", [values[-1], weight, bias], transB=1)
        return self.node(
            "Conv",
            [values[-1], weight, bias],
            kernel_shape=kernel,
            pads=[side // 2 for side in kernel] + [(side - 1) // 2 for side in kernel],
            strides=_strides(o),
            group=o.groups,
        )

    def window(self, o: Operator, values: list[str], name: str) -> str:
        kind = "MaxPool" if o.kind == "maximum" else "AveragePool"
        return self.node(kind, values[-1:], kernel_shape=sides(o.kernel, o), strides=_strides(o))

    def mean(self, o: Operator, values: list[str], name: str) -> str:
        axes = self.tensor(f"{name}.axes", np.array([-1, -2]))
        return self.node("ReduceMean", [values[-1], axes], keepdims=1)

    def add(self, o: Operator, values: list[str], name: str) -> str:
        """Write the sum of a layer and what it reads."""
        return self.node("Add", values[-2:])

    def relu(self, o: Operator, values: list[str], name: str) -> str:
        return self.node("Relu", values[-1:])

    def reshape(self, o: Operator, values: list[str], name: str) -> str:
        shape = [-1, o.outputs] if o.positions > 1 else [0, -1]
        return self.node("Reshape", [values[-1], self.tensor(f"{name}.shape", np.array(shape))])


WRITERS: dict[Kind, Callable[[_Writer, Operator, list[str], str], str]] = {
    "conv": _Writer.layer,
    "linear": _Writer.layer,
    "maximum": _Writer.window,
    "average": _Writer.window,
    "mean": _Writer.mean,
    "add": _Writer.add,
    "relu": _Writer.relu,
    "reshape": _Writer.reshape,
    **ROW_WRITERS,
}


def _strides(o: Operator) -> list[int]:
    pairs = zip(sides(o.read, o), sides(o.positions, o), strict=True)
    return [round(before / after) for before, after in pairs]
