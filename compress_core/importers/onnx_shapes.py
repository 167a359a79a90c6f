"""Operators of ONNX that move values, one row each."""

import operator
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from compress_core.importers import leaves
from compress_core.importers.builder import Builder
from compress_core.importers.onnx_call import Call, to_tensor, whole
from compress_core.importers.onnx_layers import Raise
from compress_core.importers.values import Value, constant
from compress_core.refusal import IntakeError
from compress_core.vocabulary import FUNCTIONS, NAME_OF_OPERATOR


def _reshape(b: Builder, call: Call) -> Value:
    shape = call.get("shape")
    few, more = (shape, shape) if shape is not None else whole(call.value(1))
    if not call.get("allowzero", 0):
        few, more = (
            [int(tensor.shape[i]) if n == 0 else n for i, n in enumerate(sizes)]
            for sizes, tensor in ((few, call.x.few), (more, call.x.more))
        )
    return leaves.reshaped(b, call.x, few, more, b.fixed_batch)


def _flatten(b: Builder, call: Call) -> Value:
    x, axis = call.x, call.get("axis", 1)
    if axis == 1 and x.few.dim() > 1:
        return x if x.few.dim() == 2 else b.method("flatten", x, 1)
    few, more = ([prod(t.shape[:axis]), prod(t.shape[axis:])] for t in (x.few, x.more))
    return leaves.reshaped(b, x, few, more)


def _transpose(b: Builder, call: Call) -> Value:
    order = call.get("perm") or list(reversed(range(call.x.few.dim())))
    return b.method("permute", call.x, tuple(order))


def _squeeze(b: Builder, call: Call) -> Value:
    axes = call.numbers(1, "axes")
    if axes is None:
        axes = [i for i, n in enumerate(call.x.few.shape) if n == 1]
    for axis in sorted((a % call.x.few.dim() for a in axes), reverse=True):
        call = _with(call, b.method("squeeze", call.x, axis))
    return call.x


def _unsqueeze(b: Builder, call: Call) -> Value:
    axes = call.numbers(1, "axes") or []
    result, dims = call.x, call.x.few.dim() + len(axes)
    for axis in sorted(a % dims for a in axes):
        result = b.method("unsqueeze", result, axis)
    return result


def _with(call: Call, x: Value) -> Call:
    return replace(call, inputs=[x, *call.inputs[1:]])


def _concat(b: Builder, call: Call) -> Value:
    parts = [v for v in call.inputs if v is not None]
    return b.call(torch.cat, parts, call.get("axis"))


def _split(b: Builder, call: Call) -> tuple[Value, ...]:
    axis, sizes = call.get("axis", 0), call.numbers(1, "split")
    length = int(call.x.few.shape[axis])
    if sizes is None:
        parts = call.get("num_outputs") or call.outputs
        sizes = [-(-length // parts)] * (parts - 1)
        sizes.append(length - sum(sizes))
    result = b.call(torch.split, call.x, tuple(sizes), axis)
    return tuple(b.call(operator.getitem, result, i) for i in range(len(sizes)))


def _slice(b: Builder, call: Call) -> Value:
    x = call.x
    ends = [_pair(call, place, name) for place, name in ((1, "starts"), (2, "ends"))]
    axes = call.numbers(3, "axes") or list(range(len(ends[0][0])))
    steps = call.numbers(4, "steps") or [1] * len(axes)
    picks: list[Any] = [slice(None)] * x.few.dim()
    flipped = []
    for i, (axis, step) in enumerate(zip(axes, steps, strict=True)):
        axis %= x.few.dim()
        if step < 0:
            whole_axis = ends[0][0][i] in (-1, x.few.shape[axis] - 1) and ends[1][0][i] < -1 << 30
            if step != -1 or not whole_axis:
                raise IntakeError("This network takes values backwards in steps; not supported.")
            flipped.append(axis)
            continue
        start, stop = (_bound(b, few[i], more[i], x, axis) for few, more in ends)
        picks[axis] = slice(start, stop, None if step == 1 else step)
    if flipped:
        x = b.call(FUNCTIONS[f"{NAME_OF_OPERATOR}flip.default"], x, flipped)
    if all(p == slice(None) for p in picks):
        return x
    while picks[-1] == slice(None):
        picks.pop()
    return b.call(_take, x, tuple(picks))


def _pair(call: Call, place: int, name: str) -> tuple[list[int], list[int]]:
    if name in call.attributes:
        return call.attributes[name], call.attributes[name]
    return whole(call.value(place))


def _bound(b: Builder, few: int, more: int, x: Value, axis: int) -> int | None:
    if few == more:
        # The ends of numbers stand for the ends of the axis.
        return None if abs(few) >= 1 << 30 or few == 0 else few
    if (few, more) == (x.few.shape[axis], x.more.shape[axis]):
        return None
    raise IntakeError("This network takes a part whose length follows the number of samples.")


_take = operator.getitem


def _gather(b: Builder, call: Call) -> Value:
    x, index, axis = call.x, call.value(1), call.get("axis", 0)
    axis %= x.few.dim()
    if x.known and not index.known:
        if axis or x.few.dim() != 2:
            raise IntakeError(f"The table at {call.path} is looked up in a way not supported.")
        return leaves.embedding(b, call.path, index, x.few)
    if not index.known:
        raise IntakeError(f"The values picked at {call.path} depend on the input; not supported.")
    if x.known:
        return _gathered(x, index, axis)
    places = index.few
    if places.dim() == 0:
        return b.call(_take, x, (*[slice(None)] * axis, int(places)))
    if places.dim() != 1:
        raise IntakeError(f"The values picked at {call.path} stand in a table; not supported.")
    places = places % x.few.shape[axis]
    return b.call(FUNCTIONS[f"{NAME_OF_OPERATOR}index_select.default"], x, axis, constant(places))


def _gathered(x: Value, index: Value, axis: int) -> Value:
    def one(table: Tensor, places: Tensor) -> Tensor:
        places = places.long() % table.shape[axis]
        shape = [*table.shape[:axis], *places.shape, *table.shape[axis + 1 :]]
        return table.index_select(axis, places.reshape(-1)).reshape(shape)

    return Value(None, one(x.few, index.few), one(x.more, index.more))


def _shape(b: Builder, call: Call) -> Value:
    ends = slice(call.get("start", 0), call.get("end"))
    few, more = (torch.tensor(list(t.shape)[ends], dtype=torch.int64)
                 for t in (call.x.few, call.x.more))  # fmt: skip
    return Value(None, few, more)


def _constant(b: Builder, call: Call) -> Value:
    for name, kind in (("value_int", torch.int64), ("value_ints", torch.int64),
                       ("value_float", torch.float32),
                       ("value_floats", torch.float32)):  # fmt: skip
        if name in call.attributes:
            return constant(torch.tensor(call.attributes[name], dtype=kind))
    if "value" not in call.attributes:
        raise IntakeError("This network holds a constant that is no number.")
    return constant(to_tensor(call.attributes["value"]))


def _constant_of_shape(b: Builder, call: Call) -> Value:
    given = call.get("value")
    fill = torch.zeros(1) if given is None else to_tensor(given)
    sizes = whole(call.x)
    return Value(None, *(_full(s, fill) for s in sizes))


def _full(sizes: list[int], fill: Tensor) -> Tensor:
    if prod(sizes) > 1 << 26:
        raise IntakeError("This network asks for a constant of absurd size; it was not built.")
    return torch.full(sizes, fill.reshape(-1)[0].item(), dtype=fill.dtype)


def _expand(b: Builder, call: Call) -> Value:
    x, (few, more) = call.x, whole(call.value(1))
    few, more = (list(torch.broadcast_shapes(tuple(t.shape), tuple(s)))
                 for t, s in ((x.few, few), (x.more, more)))  # fmt: skip
    if max(prod(few), prod(more)) > 1 << 27:
        raise IntakeError("This network spreads a value to an absurd size; it was not built.")
    if (few, more) == (list(x.few.shape), list(x.more.shape)):
        return x
    sizes = tuple(constant(a) if a == c else Value(None, a, c)
                  for a, c in zip(few, more, strict=True))  # fmt: skip
    return b.method("expand", x, sizes)


def _tile(b: Builder, call: Call) -> Value:
    times = call.numbers(1, "repeats") or []
    return call.x if set(times) <= {1} else b.method("repeat", call.x, tuple(times))


CASTS = {1: "float", 6: "int", 7: "long", 9: "bool", 10: "float", 11: "float", 16: "float"}


def _cast(b: Builder, call: Call) -> Value:
    name = CASTS.get(call.get("to"), "long")
    kind = {"float": torch.float32, "long": torch.int64, "int": torch.int32, "bool": torch.bool}
    return call.x if call.x.few.dtype == kind[name] else b.method(name, call.x)


def _cast_like(b: Builder, call: Call) -> Value:
    return b.method("type_as", call.x, call.value(1))


def _pad(b: Builder, call: Call) -> Value:
    pads, value = call.numbers(1, "pads") or [], call.get("value", 0.0)
    given, axes = call.tensor(2), call.numbers(3, "axes")
    dims, mode = call.x.few.dim(), call.get("mode", "constant")
    if axes is not None:
        full = [0] * 2 * dims
        for i, axis in enumerate(axes):
            full[axis % dims], full[dims + axis % dims] = pads[i], pads[len(axes) + i]
        pads = full
    first = next((i for i in range(dims) if pads[i] or pads[dims + i]), dims)
    before, after = pads[first:dims], pads[dims + first :]
    if mode == "constant":
        return leaves.padded(b, call.x, before, after, value if given is None else float(given))
    pairs = [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]
    return b.call(F.pad, call.x, tuple(pairs), {"reflect": "reflect", "edge": "replicate"}[mode])


def _resize(b: Builder, call: Call) -> Value:
    x, mode = call.x, call.get("mode", "nearest")
    way = call.get("coordinate_transformation_mode", "half_pixel")
    place = 1 if call.kind == "Upsample" else 2
    scales, sizes = call.optional(place), call.optional(3)
    if scales is not None and scales.few.numel():
        factors = [float(s) for s in scales.few.tolist()]
        if factors[:2] != [1.0, 1.0]:
            raise IntakeError("This network resizes the axis of samples or channels.")
        named: dict[str, Any] = {"scale_factor": tuple(factors[2:])}
    elif sizes is not None:
        named = {"size": tuple(whole(sizes)[0][2:])}
    else:
        raise IntakeError(f"The size that {call.path} resizes to is not given.")
    exact = call.kind == "Upsample" or way == "asymmetric" or all(
        f == int(f) for f in named.get("scale_factor", (0.5,)))  # fmt: skip
    if mode == "nearest" and exact:
        return b.call(F.interpolate, x, **named, mode="nearest")
    if mode == "linear" and x.few.dim() == 4 and way in ("align_corners", "half_pixel",
                                                         "pytorch_half_pixel"):  # fmt: skip
        return b.call(F.interpolate, x, **named, mode="bilinear",
                      align_corners=way == "align_corners")  # fmt: skip
    raise IntakeError(f"The way in which {call.path} resizes ({mode}, {way}) is not supported.")


def _range(b: Builder, call: Call) -> Value:
    ends = [call.value(i) for i in range(3)]
    made = []
    for which in ("few", "more"):
        start, stop, step = (getattr(v, which).item() for v in ends)
        if not step or abs((stop - start) / step) > 1 << 24:
            raise IntakeError("This network counts through an absurd range; it was not built.")
        made.append(torch.arange(start, stop, step, dtype=ends[0].few.dtype))
    return Value(None, made[0], made[1])


SHAPES: dict[str, Raise] = {
    "Reshape": _reshape, "Flatten": _flatten, "Transpose": _transpose, "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze, "Concat": _concat, "Split": _split, "Slice": _slice,
    "Gather": _gather, "Shape": _shape, "Constant": _constant,
    "ConstantOfShape": _constant_of_shape, "Expand": _expand, "Tile": _tile, "Cast": _cast,
    "CastLike": _cast_like, "Pad": _pad, "Resize": _resize, "Upsample": _resize, "Range": _range,
}  # fmt: skip
"""Operator -> how it becomes calls."""
