"""Operators of exported programs that move values or compute with them, one row each."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from compress_core.importers import leaves
from compress_core.importers.aten_layers import Arguments, Raise
from compress_core.importers.builder import Builder
from compress_core.importers.values import Value, constant
from compress_core.refusal import IntakeError


def _same(b: Builder, path: str, a: Arguments) -> Value:
    value: Value = a["self"] if "self" in a else a["input"]
    return value


def _to(b: Builder, path: str, a: Arguments) -> Value:
    value: Value = a["self"]
    kind = a.get("dtype")
    if kind is None or value.few.dtype == kind:
        return value
    names = {torch.float32: "float", torch.int64: "long", torch.bool: "bool", torch.int32: "int"}
    if value.known:
        return b.method("to", value, kind)
    if kind not in names and kind.is_floating_point:
        return value  # everything is computed in 32 bits
    if kind not in names:
        raise IntakeError(f"This network converts to {kind}, which is not supported here.")
    return b.method(names[kind], value)


def _view(b: Builder, path: str, a: Arguments) -> Value:
    sizes = [
        s if isinstance(s, Value) else constant(s) for s in a["size" if "size" in a else "shape"]
    ]
    return leaves.reshaped(
        b, a["self"], [s.few for s in sizes], [s.more for s in sizes], b.fixed_batch
    )


def _unflatten(b: Builder, path: str, a: Arguments) -> Value:
    x, dim = a["self"], a["dim"] % a["self"].few.dim()
    sizes = [s if isinstance(s, Value) else constant(s) for s in a["sizes"]]
    few = [*x.few.shape[:dim], *(s.few for s in sizes), *x.few.shape[dim + 1 :]]
    more = [*x.more.shape[:dim], *(s.more for s in sizes), *x.more.shape[dim + 1 :]]
    return leaves.reshaped(b, x, few, more, b.fixed_batch)


def _method(name: str, *arguments: str) -> Raise:
    def raised(b: Builder, path: str, a: Arguments) -> Value:
        x = a["self"] if "self" in a else a["input"]
        return b.method(name, x, *(_plain(a[argument]) for argument in arguments))

    return raised


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _parts(function: Callable[..., Any], *arguments: str) -> Raise:
    """Take apart: the result is a tuple of values."""

    def raised(b: Builder, path: str, a: Arguments) -> tuple[Value, ...]:
        result = b.call(function, a["self"], *(_plain(a[argument]) for argument in arguments))
        return tuple(b.call(operator.getitem, result, i) for i in range(len(result.few)))

    return raised


def _function(function: Callable[..., Any], *arguments: str) -> Raise:
    def raised(b: Builder, path: str, a: Arguments) -> Value:
        return b.call(function, *(a[argument] for argument in arguments))

    return raised


def _sum_of(function: Callable[..., Any]) -> Raise:
    def raised(b: Builder, path: str, a: Arguments) -> Value:
        other, alpha = a["other"], a.get("alpha", 1)
        if alpha != 1:
            other = b.call(operator.mul, other, alpha)
        return b.call(function, a["self"], other)

    return raised


def _slice(b: Builder, path: str, a: Arguments) -> Value:
    x, dim = a["self"], a["dim"] % a["self"].few.dim()
    start, end, step = a["start"], a["end"], a["step"]
    if (
        start in (None, 0)
        and step == 1
        and (end is None or (isinstance(end, int) and end >= 1 << 31))
    ):
        return x  # type: ignore[no-any-return]
    if isinstance(end, int) and end >= 1 << 31:
        end = None
    index = (*[slice(None)] * dim, slice(start, end, step if step != 1 else None))
    return b.call(operator.getitem, x, index)


def _select(b: Builder, path: str, a: Arguments) -> Value:
    dim = a["dim"] % a["self"].few.dim()
    return b.call(operator.getitem, a["self"], (*[slice(None)] * dim, a["index"]))


def _reduce(name: str) -> Raise:
    def raised(b: Builder, path: str, a: Arguments) -> Value:
        dim = a.get("dim")
        if not dim and dim != 0:
            dim = list(range(a["self"].few.dim()))
        if (
            name == "mean"
            and isinstance(dim, list)
            and a["keepdim"]
            and _over_pictures(a["self"], dim)
        ):
            return leaves.activation(b, nn.AdaptiveAvgPool2d(1), a["self"])
        return b.method(name, a["self"], _plain(dim), a.get("keepdim", False))

    return raised


def _over_pictures(x: Value, dim: list[int]) -> bool:
    return x.few.dim() == 4 and sorted(d % 4 for d in dim) == [2, 3]


def _attention(b: Builder, path: str, a: Arguments) -> Value:
    named = {"is_causal": a["is_causal"]} if a["is_causal"] else {}
    if a.get("scale") is not None:
        named["scale"] = a["scale"]
    mask = {} if a["attn_mask"] is None else {"attn_mask": a["attn_mask"]}
    return b.call(F.scaled_dot_product_attention, a["query"], a["key"], a["value"], **mask, **named)


def _expand(b: Builder, path: str, a: Arguments) -> Value:
    x, sizes = a["self"], [s if isinstance(s, Value) else constant(s) for s in a["size"]]
    if not x.known and len(sizes) == x.few.dim() and x.few.shape[0] == _samples(x):
        sizes = [constant(-1), *sizes[1:]]
    return b.method("expand", x, tuple(sizes))


def _samples(x: Value) -> int:
    """Return the length of the axis of samples, or -1 where there is none."""
    return int(x.few.shape[0]) if x.few.shape[0] != x.more.shape[0] else -1


def _upsample(mode: str) -> Raise:
    def raised(b: Builder, path: str, a: Arguments) -> Value:
        x = a["self"] if "self" in a else a["input"]
        named: Arguments = {"mode": mode}
        if mode != "nearest":
            named["align_corners"] = a["align_corners"]
        scale = a.get("scale_factors")
        if scale:
            return b.call(F.interpolate, x, scale_factor=tuple(float(s) for s in scale), **named)
        return b.call(F.interpolate, x, size=tuple(a["output_size"]), **named)

    return raised


def _division(b: Builder, path: str, a: Arguments) -> Value:
    if a.get("rounding_mode") is not None:
        return b.call(torch.div, a["self"], a["other"], rounding_mode=a["rounding_mode"])
    return b.call(operator.truediv, a["self"], a["other"])


def _pad(b: Builder, path: str, a: Arguments) -> Value:
    x, pairs, mode, value = a["self"], tuple(a["pad"]), a.get("mode", "constant"), a.get("value")
    if mode != "constant":
        return b.call(F.pad, x, pairs, mode)
    if x.few.dim() == 4 and len(pairs) == 4 and not value:
        return b.leaf(path, nn.ZeroPad2d(pairs), x)
    return b.call(F.pad, x, pairs, "constant", value or 0.0)


def _squeeze(b: Builder, path: str, a: Arguments) -> Value:
    return b.method("squeeze", a["self"], *([_plain(a["dim"])] if "dim" in a else []))


SHAPES: dict[str, Raise] = {
    "view": _view,
    "_unsafe_view": _view,
    "reshape": _view,
    "unflatten": _unflatten,
    "flatten": _method("flatten", "start_dim", "end_dim"),
    "permute": _method("permute", "dims"),
    "transpose": _method("transpose", "dim0", "dim1"),
    "t": _method("t"),
    "unsqueeze": _method("unsqueeze", "dim"),
    "expand": _expand,
    "select": _select,
    "slice": _slice,
    "cat": _function(torch.cat, "tensors", "dim"),
    "stack": _function(torch.stack, "tensors", "dim"),
    "unbind": _parts(torch.unbind, "dim"),
    "chunk": _parts(torch.chunk, "chunks", "dim"),
    "mean": _reduce("mean"),
    "sum": _reduce("sum"),
    "amax": _reduce("amax"),
    "add": _sum_of(operator.add),
    "sub": _sum_of(operator.sub),
    "mul": _function(operator.mul, "self", "other"),
    "div": _division,
    "squeeze": _squeeze,
    "pad": _pad,
    "neg": _function(operator.neg, "self"),
    "scaled_dot_product_attention": _attention,
    "upsample_nearest2d": _upsample("nearest"),
    "upsample_bilinear2d": _upsample("bilinear"),
    "to": _to,
    "_to_copy": _to,
    "type_as": lambda b, path, a: _to(b, path, {"self": a["self"], "dtype": a["other"].few.dtype}),
    **dict.fromkeys(
        (
            "dropout",
            "feature_dropout",
            "alpha_dropout",
            "clone",
            "contiguous",
            "alias",
            "detach",
            "lift_fresh_copy",
            "lift_fresh",
            "positive",
        ),
        _same,
    ),
}
