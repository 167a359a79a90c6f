"""
How weights are stored in an ONNX file: as integer codes and the operators that decode them.

ONNX Runtime decodes when it loads a file, so what is small on disk costs nothing per answer.
"""

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.exporters.onnx_size import stored_bits
from compress_core.grids import Grid, LinearGrid, as_rows
from compress_core.integers import integer_layers


def store_codes(model: onnx.ModelProto, compressed: Compressed) -> None:
    """Replace every float weight that is on a grid by its codes (in place)."""
    graph = model.graph
    integer = integer_layers(compressed.graph, compressed.weight_grids)
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for layer, grid in compressed.weight_grids.items():
        name = f"{layer}.weight"
        if name in initializers:
            graph.initializer.remove(initializers[name])
            decoder = _Decoder(name, grid, compressed.weight(layer))
            nodes += decoder.quantized() if layer in integer else decoder.constant()
            graph.initializer.extend(decoder.tensors)
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)


class _Decoder:
    """Collects the tensors and operators that give one weight, named as the weight was."""

    def __init__(self, name: str, grid: Grid, weight: Tensor) -> None:
        self.name, self.grid, self.weight = name, grid, weight
        self.tensors: list[TensorProto] = []

    def quantized(self) -> Iterator[onnx.NodeProto]:
        """Yield what integer kernels fuse: int8 codes and DequantizeLinear."""
        codes = self._tensor("codes", self._codes(self.grid.encode(self.weight)))
        if self.grid.bits <= 4:
            yield helper.make_node("Cast", [codes], [f"{self.name}.int8"], to=TensorProto.INT8)
            codes = f"{self.name}.int8"
        scale = self.grid.scale.numpy()
        inputs = [
            codes,
            self._tensor("scale", scale),
            self._tensor("zero_point", np.zeros_like(scale, np.int8)),
        ]
        yield helper.make_node("DequantizeLinear", inputs, [self.name], axis=0)

    def constant(self) -> Iterator[onnx.NodeProto]:
        """Yield plain arithmetic, which the runtime carries out once, on loading."""
        grouped = self.grid.group_size is not None
        rows = as_rows(self.grid.encode(self.weight), self.grid.group_size)
        codes = self._tensor("codes", self._codes(rows))
        yield from self._levels(codes, rows.dim())
        scale = self._tensor("scale", self._per_row(self.grid.scale, rows.dim()))
        result = f"{self.name}.rows" if grouped else self.name
        yield helper.make_node("Mul", [f"{self.name}.levels", scale], [result])
        if grouped:
            yield from self._from_rows(result)

    def _levels(self, codes: str, axes: int) -> Iterator[onnx.NodeProto]:
        """Yield code - zero point for even steps, a look-up for tables."""
        levels = f"{self.name}.levels"
        if not isinstance(self.grid, LinearGrid):
            index, table = f"{self.name}.index", self._tensor("table", self.grid.levels.numpy())
            yield helper.make_node("Cast", [codes], [index], to=TensorProto.INT32)
            yield helper.make_node("Gather", [table, index], [levels])
        elif bool(self.grid.zero_point.any()):
            zero = self._tensor("zero_point", self._per_row(self.grid.zero_point.float(), axes))
            plain = f"{self.name}.plain"
            yield helper.make_node("Cast", [codes], [plain], to=TensorProto.FLOAT)
            yield helper.make_node("Sub", [plain, zero], [levels])
        else:
            yield helper.make_node("Cast", [codes], [levels], to=TensorProto.FLOAT)

    def _from_rows(self, rows: str) -> Iterator[onnx.NodeProto]:
        """Yield what undoes the cutting into groups, and the zeros that filled the last one."""
        outputs, width = len(self.weight), self.weight[0].numel()
        flat, cut = f"{self.name}.flat", f"{self.name}.cut"
        shape = self._tensor("flat_shape", np.array([outputs, -1]))
        yield helper.make_node("Reshape", [rows, shape], [flat])
        ends = [
            self._tensor(what, np.array([at]))
            for what, at in (("start", 0), ("stop", width), ("axis", 1))
        ]
        yield helper.make_node("Slice", [flat, *ends], [cut])
        shape = self._tensor("shape", np.array(self.weight.shape))
        yield helper.make_node("Reshape", [cut, shape], [self.name])

    def _codes(self, codes: Tensor) -> NDArray[Any]:
        """Return the codes in the narrowest type that ONNX Runtime reads: 4, 8 or 16 bits."""
        linear = isinstance(self.grid, LinearGrid)
        four, eight = (ml_dtypes.int4, np.int8) if linear else (ml_dtypes.uint4, np.uint8)
        types = {4: four, 8: eight, 16: np.int16}
        return codes.numpy().astype(types[stored_bits(self.grid)])

    def _per_row(self, values: Tensor, axes: int) -> NDArray[Any]:
        return values.reshape(-1, *[1] * (axes - 1)).numpy() if values.dim() else values.numpy()

    def _tensor(self, what: str, array: NDArray[Any]) -> str:
        name = f"{self.name}.{what}"
        self.tensors.append(numpy_helper.from_array(array, name))
        return name
