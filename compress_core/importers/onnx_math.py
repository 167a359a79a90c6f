"""Operators of ONNX that compute with values, one row each."""

import operator
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.importers import leaves
from compress_core.importers.builder import Builder
from compress_core.importers.exported import module_of
from compress_core.importers.onnx_call import Call
from compress_core.importers.onnx_layers import Raise
from compress_core.importers.values import Value
from compress_core.vocabulary import FUNCTIONS, NAME_OF_OPERATOR


def _plain(value: Value) -> Any:
    """Return a lone number as such, so that it stands in the graph and not in a tensor."""
    same = value.known and value.few is value.more and isinstance(value.few, Tensor)
    if same and value.few.numel() == 1 and value.few.dim() <= 1:
        return value.few.item()
    return value


def _binary(function: Callable[..., Any]) -> Raise:
    def raised(b: Builder, call: Call) -> Value:
        x, y = call.x, call.value(1)
        if x.known and y.known:
            return b.call(function, x, y)
        if isinstance(function, type(torch.add)) and function is torch.pow:
            return b.call(function, x if not x.known else _plain(x), _plain(y))
        return b.call(function, _plain(x) if x.known else x, _plain(y) if y.known else y)

    return raised


def _add(b: Builder, call: Call) -> Value:
    x, y = call.x, call.value(1)
    for at, (value, other) in enumerate(((x, y), (y, x))):
        layer = _biasless(b, value)
        if layer is None or not call.alone[at] or not other.known:
            continue
        if other.few.shape in ((layer.out_features,), (1, layer.out_features)):
            bias = other.few.reshape(-1)
            layer.bias = nn.Parameter(bias.float().contiguous(), requires_grad=False)
            _rename(b, value, call.names[1 - at])
            return value
    result: Value = _binary(operator.add)(b, call)
    return result


def _rename(b: Builder, value: Value, bias: str) -> None:
    """Name a layer after its bias where nothing better is known of it."""
    nameless = value.node is not None and re.fullmatch(r"matmul(_\d+)?", str(value.node.target))
    if value.node is not None and nameless and re.fullmatch(r"[\w.]+\.bias", bias):
        b.rename(value.node, module_of(bias))


def _biasless(b: Builder, value: Value) -> nn.Linear | None:
    node = value.node
    if isinstance(node, fx.Node) and node.op == "call_module":
        layer = b.root.get_submodule(str(node.target))
        if isinstance(layer, nn.Linear) and "bias" not in dict(layer.named_parameters()):
            return layer
    return None


def _mul(b: Builder, call: Call) -> Value:
    """Multiply; x * sigmoid(x) and x * hardsigmoid(x) have names of their own."""
    for x, y in ((call.x, call.value(1)), (call.value(1), call.x)):
        node = y.node
        if isinstance(node, fx.Node) and node.op == "call_module" and node.args[0] is x.node:
            layer = b.root.get_submodule(str(node.target))
            for kind, whole_function in ((nn.Sigmoid, nn.SiLU), (nn.Hardsigmoid, nn.Hardswish)):
                if isinstance(layer, kind):
                    return leaves.activation(b, whole_function(), x)
    result: Value = _binary(operator.mul)(b, call)
    return result


def _div(b: Builder, call: Call) -> Value:
    x, y = call.x, call.value(1)
    if not x.few.dtype.is_floating_point and not y.few.dtype.is_floating_point:
        return b.call(torch.div, x, y, rounding_mode="trunc")
    result: Value = _binary(operator.truediv)(b, call)
    return result


def _mod(b: Builder, call: Call) -> Value:
    return b.call(torch.fmod if call.get("fmod", 0) else torch.remainder, call.x, call.value(1))


def _unary(function: Callable[..., Any]) -> Raise:
    return lambda b, call: b.call(function, call.x)


def _several(function: Callable[..., Any]) -> Raise:
    def raised(b: Builder, call: Call) -> Value:
        result, *rest = [v for v in call.inputs if v is not None]
        for value in rest:
            result = b.call(function, result, value)
        return result

    return raised


def _reduce(name: str) -> Raise:
    def raised(b: Builder, call: Call) -> Value:
        x, axes, kept = call.x, call.numbers(1, "axes"), bool(call.get("keepdims", 1))
        if axes is None or not axes:
            if call.get("noop_with_empty_axes", 0):
                return x
            axes = list(range(x.few.dim()))
        over = sorted(a % x.few.dim() for a in axes)
        if name == "mean" and kept and over == [2, 3] and x.few.dim() == 4 and not x.known:
            return leaves.activation(b, nn.AdaptiveAvgPool2d(1), x)
        return b.method(name, x, tuple(axes), kept)

    return raised


def _l2(b: Builder, call: Call) -> Value:
    squares = b.call(operator.mul, call.x, call.x)
    return b.call(torch.sqrt, _reduce("sum")(b, replace(call, inputs=[squares, *call.inputs[1:]])))


def _where(b: Builder, call: Call) -> Value:
    return b.call(torch.where, call.x, call.value(1), call.value(2))


def _arg_max(b: Builder, call: Call) -> Value:
    function = FUNCTIONS[f"{NAME_OF_OPERATOR}argmax.default"]
    return b.call(function, call.x, call.get("axis", 0), bool(call.get("keepdims", 1)))


def _cumsum(b: Builder, call: Call) -> Value:
    return b.call(FUNCTIONS[f"{NAME_OF_OPERATOR}cumsum.default"], call.x, int(call.weight(1)))


def _trilu(b: Builder, call: Call) -> Value:
    name = "triu" if call.get("upper", 1) else "tril"
    diagonal = call.tensor(1)
    function = FUNCTIONS[f"{NAME_OF_OPERATOR}{name}.default"]
    return b.call(function, call.x, 0 if diagonal is None else int(diagonal))


def _einsum(b: Builder, call: Call) -> Value:
    return b.call(torch.einsum, call.get("equation"), *[v for v in call.inputs if v is not None])


MATH: dict[str, Raise] = {
    "Where": _where, "ArgMax": _arg_max, "CumSum": _cumsum, "Trilu": _trilu, "Einsum": _einsum,
    "Add": _add, "Sub": _binary(operator.sub), "Mul": _mul, "Div": _div,
    "Pow": _binary(torch.pow), "Equal": _binary(torch.eq), "Greater": _binary(torch.gt),
    "GreaterOrEqual": _binary(torch.ge), "Less": _binary(torch.lt),
    "LessOrEqual": _binary(torch.le), "And": _several(torch.logical_and),
    "Or": _several(torch.logical_or), "Not": _unary(torch.logical_not),
    "Sum": _several(operator.add), "Max": _several(torch.maximum), "Min": _several(torch.minimum),
    "Sqrt": _unary(torch.sqrt), "Exp": _unary(torch.exp), "Log": _unary(torch.log),
    "Neg": _unary(operator.neg), "Abs": _unary(torch.abs), "Erf": _unary(torch.erf),
    "Reciprocal": _unary(torch.reciprocal), "Sin": _unary(torch.sin), "Cos": _unary(torch.cos),
    "Floor": _unary(torch.floor), "Ceil": _unary(torch.ceil), "Round": _unary(torch.round),
    "Sign": _unary(torch.sign), "Mod": _mod,
    "ReduceMean": _reduce("mean"), "ReduceSum": _reduce("sum"), "ReduceMax": _reduce("amax"),
    "ReduceL2": _l2,
}  # fmt: skip
"""Operator -> how it becomes calls."""
