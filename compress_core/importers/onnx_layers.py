"""Operators of ONNX that are layers: one row each."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from compress_core.importers import leaves
from compress_core.importers.builder import Builder
from compress_core.importers.onnx_call import Call
from compress_core.importers.values import Value
from compress_core.refusal import IntakeError

Raise = Callable[[Builder, Call], Any]
"""(builder, call) -> value or tuple of values."""


def _pads(call: Call, x: Value, kernel: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the padding before and after each axis."""
    axes = len(kernel)
    way = call.get("auto_pad", "NOTSET")
    if way in ("NOTSET", ""):
        pads = call.get("pads") or [0] * 2 * axes
        return pads[:axes], pads[axes:]
    if way == "VALID":
        return [0] * axes, [0] * axes
    strides, dilations = call.get("strides") or [1] * axes, call.get("dilations") or [1] * axes
    before, after = [], []
    for size, k, s, d in zip(x.few.shape[2:], kernel, strides, dilations, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        less, more = total // 2, total - total // 2
        before.append(less if way == "SAME_UPPER" else more)
        after.append(more if way == "SAME_UPPER" else less)
    return before, after


def _conv(b: Builder, call: Call) -> Value:
    x, weight = call.x, call.weight(1)
    axes = weight.dim() - 2
    before, after = _pads(call, x, weight.shape[2:])
    if before != after:
        x, before = leaves.padded(b, x, before, after, 0.0), [0] * axes
    return leaves.convolution(
        b, call.path, x, weight, call.tensor(2),
        stride=call.get("strides") or [1] * axes, padding=before,
        dilation=call.get("dilations") or [1] * axes, groups=call.get("group", 1),
    )  # fmt: skip


def _conv_transpose(b: Builder, call: Call) -> Value:
    weight = call.weight(1)
    axes = weight.dim() - 2
    before, after = _pads(call, call.x, weight.shape[2:])
    if before != after or "output_shape" in call.attributes:
        raise IntakeError(f"The transposed convolution {call.path} pads unevenly; not supported.")
    return leaves.convolution(
        b, call.path, call.x, weight, call.tensor(2),
        stride=call.get("strides") or [1] * axes, padding=before,
        dilation=call.get("dilations") or [1] * axes, groups=call.get("group", 1),
        transposed=True, output_padding=call.get("output_padding") or [0] * axes,
    )  # fmt: skip


def _batch_norm(b: Builder, call: Call) -> Value:
    if call.get("training_mode"):
        raise IntakeError("This network was exported in training mode; call .eval() before.")
    weight, bias, mean, variance = (call.weight(i) for i in range(1, 5))
    return leaves.batch_norm(
        b, call.path, call.x, weight, bias, mean, variance, call.get("epsilon", 1e-5)
    )


def _instance_norm(b: Builder, call: Call) -> Value:
    return leaves.instance_norm(
        b, call.path, call.x, call.weight(1), call.weight(2), call.get("epsilon", 1e-5)
    )


def _layer_norm(b: Builder, call: Call) -> Value:
    axis = call.get("axis", -1) % call.x.few.dim()
    shape = [int(n) for n in call.x.few.shape[axis:]]
    return leaves.layer_norm(
        b, call.path, call.x, shape, call.weight(1), call.tensor(2), call.get("epsilon", 1e-5)
    )


def _group_norm(b: Builder, call: Call) -> Value:
    weight, bias, groups = call.weight(1), call.weight(2), call.get("num_groups")
    channels = int(call.x.few.shape[1])
    if len(weight) != channels:  # before version 21, one value a group
        weight, bias = (t.repeat_interleave(channels // groups) for t in (weight, bias))
    return leaves.group_norm(b, call.path, call.x, groups, weight, bias, call.get("epsilon", 1e-5))


def _gemm(b: Builder, call: Call) -> Value:
    weight, bias = call.weight(1), call.tensor(2)
    if not call.get("transB", 0):
        weight = weight.t()
    alpha, beta = call.get("alpha", 1.0), call.get("beta", 1.0)
    weight = weight if alpha == 1 else weight * alpha
    bias = bias if bias is None or beta == 1 else bias * beta
    x = b.method("t", call.x) if call.get("transA", 0) else call.x
    return leaves.linear(b, call.path, x, weight, bias)


def _mat_mul(b: Builder, call: Call) -> Value:
    x, y = call.x, call.value(1)
    if y.known and not x.known and y.few.dim() == 2 and x.few.dim() > 1:
        return leaves.linear(b, call.path, x, y.few.t(), None)
    return b.call(torch.matmul, x, y)


def _leaf(make: Callable[[Call], nn.Module]) -> Raise:
    def raised(b: Builder, call: Call) -> Value:
        return leaves.activation(b, make(call), call.x)

    return raised


def _p_relu(b: Builder, call: Call) -> Value:
    slope = call.weight(1)
    channels = int(call.x.few.shape[1])
    if slope.numel() not in (1, channels):
        raise IntakeError(f"The PRelu at {call.path} has a slope for each value; not supported.")
    layer = leaves.filled(nn.PReLU(slope.numel(), device="meta"), weight=slope.reshape(-1))
    return b.leaf(call.path, layer, call.x)


def _clip(b: Builder, call: Call) -> Value:
    low, high = (_limit(call, place, name) for place, name in ((1, "min"), (2, "max")))
    if call.x.known or not call.x.few.dtype.is_floating_point:
        return b.call(torch.clamp, call.x, min=low, max=high)
    if low == 0 and high is None:
        return leaves.activation(b, nn.ReLU(), call.x)
    if low == 0 and high == 6:
        return leaves.activation(b, nn.ReLU6(), call.x)
    if low is not None and high is not None:
        return leaves.activation(b, nn.Hardtanh(low, high), call.x)
    return b.call(torch.clamp, call.x, min=low, max=high)


def _limit(call: Call, place: int, name: str) -> float | None:
    if name in call.attributes:
        return float(call.attributes[name])
    value = call.tensor(place)
    return None if value is None else float(value)


def _hard_sigmoid(b: Builder, call: Call) -> Value:
    alpha, beta = call.get("alpha", 0.2), call.get("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-4 and beta == 0.5:
        return leaves.activation(b, nn.Hardsigmoid(), call.x)
    line = b.call(operator.add, b.call(operator.mul, call.x, alpha), beta)
    return leaves.activation(b, nn.Hardtanh(0.0, 1.0), line)


def _softmax(kind: type[nn.Softmax] | type[nn.LogSoftmax]) -> Raise:
    def raised(b: Builder, call: Call) -> Value:
        axis = call.get("axis", 1 if call.opset < 13 else -1)
        last = call.x.few.dim() - 1
        if call.opset < 13 and axis % (last + 1) != last:
            raise IntakeError("This network takes a softmax over several axes; not supported.")
        return leaves.activation(b, kind(dim=axis), call.x)

    return raised


def _pool(kinds: dict[int, Any], empty: float) -> Raise:
    def raised(b: Builder, call: Call) -> Value:
        kernel = call.get("kernel_shape")
        kind = kinds.get(len(kernel))
        if kind is None or (empty == 0 and any(d != 1 for d in call.get("dilations") or [1])):
            raise IntakeError(f"The pool {call.path} is of a kind that is not supported.")
        x, (before, after) = call.x, _pads(call, call.x, kernel)
        counted = bool(call.get("count_include_pad", 0))
        half = all(2 * p <= k for p, k in zip(before, kernel, strict=True))
        if before != after or not half:
            if empty == 0 and not counted:
                raise IntakeError(f"The pool {call.path} pads unevenly; not supported.")
            x, before = leaves.padded(b, x, before, after, empty), [0] * len(kernel)
        stride = tuple(call.get("strides") or [1] * len(kernel))
        named: dict[str, Any] = {"ceil_mode": bool(call.get("ceil_mode", 0))}
        if empty == 0:
            named["count_include_pad"] = counted
        else:
            named["dilation"] = _side(call.get("dilations") or [1])
        layer = kind(_side(kernel), _side(stride), _side(before), **named)
        return leaves.activation(b, layer, x)

    return raised


def _side(values: Sequence[int]) -> Any:
    return values[0] if len(set(values)) == 1 else tuple(values)


def _global_pool(kinds: dict[int, Any]) -> Raise:
    def raised(b: Builder, call: Call) -> Value:
        kind = kinds.get(call.x.few.dim() - 2)
        if kind is None:
            raise IntakeError(f"The pool {call.path} works on more than two axes.")
        return leaves.activation(b, kind(1), call.x)

    return raised


GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}
"""Where torch's gates (i f g o; r z n) stand in ONNX (i o f c; z r h)."""


def _memory(kind: type[nn.LSTM] | type[nn.GRU]) -> Raise:
    def raised(b: Builder, call: Call) -> tuple[Value, ...]:
        hidden, ways = call.get("hidden_size"), call.get("direction", "forward")
        usual = call.get("layout", 0) == 0 and ways != "reverse" and call.optional(4) is None
        usual &= "activations" not in call.attributes or set(call.get("activations")) <= {
            "Sigmoid", "Tanh"}  # fmt: skip
        usual &= not call.get("clip") and not call.get("input_forget") and call.optional(7) is None
        if not usual or (kind is nn.GRU and not call.get("linear_before_reset", 0)):
            raise IntakeError(f"The memory {call.path} is of a kind that is not supported.")
        parameters = {}
        for way, suffix in enumerate(("", "_reverse") if ways == "bidirectional" else ("",)):
            order = GATES[call.kind]
            parts = {"weight_ih": call.weight(1)[way], "weight_hh": call.weight(2)[way]}
            if call.optional(3) is not None:
                parts["bias_ih"], parts["bias_hh"] = call.weight(3)[way].chunk(2)
            for name, value in parts.items():
                blocks = value.split(hidden)
                parameters[f"{name}_l0{suffix}"] = torch.cat([blocks[i] for i in order])
        states = [v for v in (call.optional(5), call.optional(6)) if v is not None]
        result = leaves.memory(
            b, call.path, kind, call.x, parameters, layers=1, batch_first=False, states=states
        )
        return _as_onnx(b, result, kind is nn.LSTM, hidden)

    return raised


def _as_onnx(b: Builder, result: Value, cells: bool, hidden: int) -> tuple[Value, ...]:
    """Return outputs as time x ways x batch x hidden, and the last states."""
    out, last = (b.call(operator.getitem, result, i) for i in (0, 1))
    ways = int(out.few.shape[2]) // hidden
    if ways == 1:
        outputs = b.method("unsqueeze", out, 1)
    else:
        few, more = ([*map(int, o.shape[:2]), ways, hidden] for o in (out.few, out.more))
        outputs = b.method("permute", leaves.reshaped(b, out, few, more), (0, 2, 1, 3))
    if cells:
        return (outputs, *(b.call(operator.getitem, last, i) for i in (0, 1)))
    return outputs, last


LAYERS: dict[str, Raise] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "Gemm": _gemm,
    "MatMul": _mat_mul,
    "LSTM": _memory(nn.LSTM),
    "GRU": _memory(nn.GRU),
    "Relu": _leaf(lambda c: nn.ReLU()),
    "LeakyRelu": _leaf(lambda c: nn.LeakyReLU(c.get("alpha", 0.01))),
    "PRelu": _p_relu,
    "Elu": _leaf(lambda c: nn.ELU(c.get("alpha", 1.0))),
    "Sigmoid": _leaf(lambda c: nn.Sigmoid()),
    "Tanh": _leaf(lambda c: nn.Tanh()),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _leaf(lambda c: nn.Hardswish()),
    "Mish": _leaf(lambda c: nn.Mish()),
    "Gelu": _leaf(lambda c: nn.GELU(approximate=c.get("approximate", "none"))),
    "Softplus": _leaf(lambda c: nn.Softplus()),
    "Clip": _clip,
    "Softmax": _softmax(nn.Softmax),
    "LogSoftmax": _softmax(nn.LogSoftmax),
    "MaxPool": _pool({1: nn.MaxPool1d, 2: nn.MaxPool2d}, float("-inf")),
    "AveragePool": _pool({1: nn.AvgPool1d, 2: nn.AvgPool2d}, 0.0),
    "GlobalAveragePool": _global_pool({1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}),
    "GlobalMaxPool": _global_pool({1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d}),
    "Dropout": lambda b, call: call.x,
    "Identity": lambda b, call: call.x,
}
"""Operator -> how it becomes layers."""
