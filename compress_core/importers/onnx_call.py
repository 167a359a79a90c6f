"""One node of an ONNX graph with its inputs at hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from compress_core.importers.archive import shown
from compress_core.importers.values import Value
from compress_core.refusal import IntakeError


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Call:
    """Operator, where its layer lay, values and settings."""

    kind: str
    path: str
    names: list[str]
    inputs: list[Value | None]
    attributes: dict[str, Any]
    outputs: int
    alone: list[bool]
    """Whether no other node reads this input."""
    opset: int

    @property
    def x(self) -> Value:
        """The first input."""
        return self.value(0)

    def value(self, place: int) -> Value:
        """Return an input that must be there."""
        value = self.optional(place)
        if value is None:
            raise IntakeError(f"The operator {self.kind} at {self.path} lacks an input.")
        return value

    def optional(self, place: int) -> Value | None:
        """Return an input that may be left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def tensor(self, place: int) -> Tensor | None:
        """Return an input that is known beforehand, or None where it is left out."""
        value = self.optional(place)
        if value is None:
            return None
        if not value.known:
            raise IntakeError(f"The weights of {self.kind} at {self.path} are computed, not given.")
        found: Tensor = value.few
        return found

    def weight(self, place: int) -> Tensor:
        """Return an input that must be known beforehand."""
        found = self.tensor(place)
        if found is None:
            raise IntakeError(f"The operator {self.kind} at {self.path} lacks its weights.")
        return found

    def numbers(self, place: int, name: str) -> list[int] | None:
        """Return whole numbers that are an input in newer files and an attribute in older ones."""
        if name in self.attributes:
            found: list[int] = self.attributes[name]
            return found
        value = self.tensor(place)
        return None if value is None else [int(n) for n in value.reshape(-1).tolist()]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting."""
        return self.attributes.get(name, default)


def whole(value: Value) -> tuple[list[int], list[int]]:
    """Return the whole numbers of a known vector, for both batches."""
    if not value.known:
        raise IntakeError("A size in this network depends on the values of its input.")
    few, more = (torch.as_tensor(v).reshape(-1).tolist() for v in (value.few, value.more))
    return [int(n) for n in few], [int(n) for n in more]


def to_tensor(proto: Any) -> Tensor:
    """Return the values of a TensorProto; raises IntakeError."""
    from onnx import numpy_helper

    count = 1
    for size in proto.dims:
        if size < 0 or count > 1 << 33:
            raise IntakeError(f"The tensor {shown(proto.name)} has an absurd shape.")
        count *= max(size, 1)
    try:
        array = numpy_helper.to_array(proto)
    except Exception as error:
        raise IntakeError(
            f"The tensor {shown(proto.name)} of this ONNX file is damaged or cut short."
        ) from error
    if array.dtype.kind not in "fiub":
        raise IntakeError(f"The tensor {shown(proto.name)} holds neither numbers nor truth values.")
    if array.dtype.kind == "f" and array.dtype != np.float32:
        array = array.astype(np.float32)
    if array.dtype.kind == "u" and array.dtype != np.uint8:
        array = array.astype(np.int64)
    if not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array)
