"""Operators of exported programs that are layers of the normal form, one row each."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from compress_core.importers import leaves
from compress_core.importers.builder import Builder
from compress_core.importers.values import Value

Arguments = dict[str, Any]


Raise = Callable[[Builder, str, Arguments], Any]
"""(builder, path for a layer, arguments by name) -> value or tuple of values."""


def tensor(value: Any) -> Tensor | None:
    """Return a tensor that is known beforehand, or None where there is none."""
    if value is None:
        return None
    if not isinstance(value, Value) or not value.known:
        raise KeptAsItIs
    found: Tensor = value.few
    return found


class KeptAsItIs(Exception):
    """This call is not of the kind that a layer does (its weights are computed, for example)."""


def _convolution(b: Builder, path: str, a: Arguments) -> Value:
    weight = tensor(a["weight"])
    assert weight is not None
    return leaves.convolution(
        b, path, a["input"], weight, tensor(a["bias"]),
        stride=a["stride"], padding=a["padding"], dilation=a["dilation"], groups=a["groups"],
        transposed=a.get("transposed", False), output_padding=a.get("output_padding", (0,)),
    )  # fmt: skip


def _transposed(b: Builder, path: str, a: Arguments) -> Value:
    return _convolution(b, path, {**a, "transposed": True})


def _linear(b: Builder, path: str, a: Arguments) -> Value:
    weight = tensor(a["weight"])
    assert weight is not None
    return leaves.linear(b, path, a["input"], weight, tensor(a["bias"]))


def _addmm(b: Builder, path: str, a: Arguments) -> Value:
    bias, weight = tensor(a["self"]), tensor(a["mat2"])
    if weight is None or bias is None or a["beta"] != 1 or a["alpha"] != 1 or bias.dim() != 1:
        raise KeptAsItIs
    return leaves.linear(b, path, a["mat1"], weight.t(), bias)


def _product(b: Builder, path: str, a: Arguments) -> Value:
    first = next(n for n in ("self", "input", "tensor1") if n in a)
    second = next(n for n in ("mat2", "other", "tensor2") if n in a)
    x, y = a[first], a[second]
    if y.known and y.few.dim() == 2 and not x.known:
        return leaves.linear(b, path, x, y.few.t(), None)
    return b.call(torch.matmul, x, y)


def _batch_norm(b: Builder, path: str, a: Arguments) -> Value:
    mean, variance = tensor(a["running_mean"]), tensor(a["running_var"])
    if mean is None or variance is None or a.get("training"):
        raise KeptAsItIs
    weight, bias = tensor(a["weight"]), tensor(a["bias"])
    return leaves.batch_norm(b, path, a["input"], weight, bias, mean, variance, a["eps"])


def _instance_norm(b: Builder, path: str, a: Arguments) -> Value:
    if a["running_mean"] is not None:
        raise KeptAsItIs
    return leaves.instance_norm(
        b, path, a["input"], tensor(a["weight"]), tensor(a["bias"]), a["eps"]
    )


def _layer_norm(b: Builder, path: str, a: Arguments) -> Value:
    weight, bias = tensor(a["weight"]), tensor(a["bias"])
    return leaves.layer_norm(b, path, a["input"], a["normalized_shape"], weight, bias, a["eps"])


def _group_norm(b: Builder, path: str, a: Arguments) -> Value:
    weight, bias = tensor(a["weight"]), tensor(a["bias"])
    return leaves.group_norm(b, path, a["input"], a["num_groups"], weight, bias, a["eps"])


def _embedding(b: Builder, path: str, a: Arguments) -> Value:
    weight = tensor(a["weight"])
    assert weight is not None
    padding = a["padding_idx"] if a["padding_idx"] >= 0 else None
    return leaves.embedding(b, path, a["indices"], weight, padding)


def _memory(kind: type[nn.LSTM] | type[nn.GRU]) -> Raise:
    def raised(b: Builder, path: str, a: Arguments) -> tuple[Value, ...]:
        states = a["hx"] if isinstance(a["hx"], list | tuple) else [a["hx"]]
        parts = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if a["has_biases"] else ()))
        ways = ("", "_reverse") if a["bidirectional"] else ("",)
        names = [f"{p}_l{n}{w}" for n in range(a["num_layers"]) for w in ways for p in parts]
        values = [tensor(value) for value in a["params"]]
        if len(names) != len(values):
            raise KeptAsItIs
        result = leaves.memory(
            b, path, kind, a["input"], dict(zip(names, values, strict=True)),  # type: ignore
            layers=a["num_layers"], batch_first=a["batch_first"], states=states,
        )  # fmt: skip
        outputs = b.call(operator.getitem, result, 0)
        last = b.call(operator.getitem, result, 1)
        if kind is nn.GRU:
            return outputs, last
        return outputs, b.call(operator.getitem, last, 0), b.call(operator.getitem, last, 1)

    return raised


def _leaf(make: Callable[[Arguments], nn.Module]) -> Raise:
    def raised(b: Builder, path: str, a: Arguments) -> Value:
        return leaves.activation(b, make(a), a["self"] if "self" in a else a["input"])

    return raised


def _prelu(b: Builder, path: str, a: Arguments) -> Value:
    weight = tensor(a["weight"])
    assert weight is not None
    layer = nn.PReLU(weight.numel(), device="meta")
    return b.leaf(path, leaves.filled(layer, weight=weight.reshape(-1)), a["self"])


def _hardtanh(a: Arguments) -> nn.Module:
    low, high = float(a["min_val"]), float(a["max_val"])
    return nn.ReLU6() if (low, high) == (0, 6) else nn.Hardtanh(low, high)


def _clamp(b: Builder, path: str, a: Arguments) -> Value:
    low, high = a["min"], a["max"]
    if low == 0 and high is None:
        return leaves.activation(b, nn.ReLU(), a["self"])
    if isinstance(low, int | float) and isinstance(high, int | float):
        return leaves.activation(b, _hardtanh({"min_val": low, "max_val": high}), a["self"])
    return b.call(torch.clamp, a["self"], min=low, max=high)


def _max_pool(kind: type[nn.MaxPool1d] | type[nn.MaxPool2d]) -> Raise:
    def make(a: Arguments) -> nn.Module:
        size, stride = _side(a["kernel_size"]), _side(a["stride"]) or None
        return kind(
            size, stride, _side(a["padding"]), _side(a["dilation"]), ceil_mode=a["ceil_mode"]
        )

    return _leaf(make)


def _avg_pool(kind: type[nn.AvgPool1d] | type[nn.AvgPool2d]) -> Raise:
    def make(a: Arguments) -> nn.Module:
        if a.get("divisor_override") is not None:
            raise KeptAsItIs
        return kind(
            _side(a["kernel_size"]),
            _side(a["stride"] or a["kernel_size"]),
            _side(a["padding"]),
            a["ceil_mode"],
            a["count_include_pad"],
        )

    return _leaf(make)


def _side(values: Any) -> Any:
    """Return 3 for (3, 3), as people write it."""
    if isinstance(values, int):
        return values
    values = tuple(values)
    return values[0] if len(set(values)) == 1 else values


def _first(raise_: Raise) -> Raise:
    """Let a call that returns more (statistics, indices) return what the layer returns."""

    def raised(b: Builder, path: str, a: Arguments) -> tuple[Value]:
        return (raise_(b, path, a),)

    return raised


ACTIVATIONS: dict[str, Raise] = {
    "relu": _leaf(lambda a: nn.ReLU()),
    "relu6": _leaf(lambda a: nn.ReLU6()),
    "hardtanh": _leaf(_hardtanh),
    "hardswish": _leaf(lambda a: nn.Hardswish()),
    "hardsigmoid": _leaf(lambda a: nn.Hardsigmoid()),
    "silu": _leaf(lambda a: nn.SiLU()),
    "mish": _leaf(lambda a: nn.Mish()),
    "gelu": _leaf(lambda a: nn.GELU(approximate=a["approximate"])),
    "sigmoid": _leaf(lambda a: nn.Sigmoid()),
    "tanh": _leaf(lambda a: nn.Tanh()),
    "leaky_relu": _leaf(lambda a: nn.LeakyReLU(float(a["negative_slope"]))),
    "softplus": _leaf(lambda a: nn.Softplus(float(a["beta"]), float(a["threshold"]))),
    "softmax": _leaf(lambda a: nn.Softmax(dim=a["dim"])),
    "_softmax": _leaf(lambda a: nn.Softmax(dim=a["dim"])),
    "log_softmax": _leaf(lambda a: nn.LogSoftmax(dim=a["dim"])),
    "_log_softmax": _leaf(lambda a: nn.LogSoftmax(dim=a["dim"])),
    "clamp": _clamp,
    "clamp_min": lambda b, path, a: _clamp(b, path, {**a, "max": None}),
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "max_pool1d": _max_pool(nn.MaxPool1d),
    "max_pool2d": _max_pool(nn.MaxPool2d),
    "max_pool2d_with_indices": _first(_max_pool(nn.MaxPool2d)),
    "avg_pool1d": _avg_pool(nn.AvgPool1d),
    "avg_pool2d": _avg_pool(nn.AvgPool2d),
    "adaptive_avg_pool1d": _leaf(lambda a: nn.AdaptiveAvgPool1d(_side(a["output_size"]))),
    "adaptive_avg_pool2d": _leaf(lambda a: nn.AdaptiveAvgPool2d(_side(a["output_size"]))),
    "_adaptive_avg_pool2d": _leaf(lambda a: nn.AdaptiveAvgPool2d(_side(a["output_size"]))),
    "adaptive_max_pool1d": _first(_leaf(lambda a: nn.AdaptiveMaxPool1d(_side(a["output_size"])))),
    "adaptive_max_pool2d": _first(_leaf(lambda a: nn.AdaptiveMaxPool2d(_side(a["output_size"])))),
}


LAYERS: dict[str, Raise] = {
    "conv1d": _convolution,
    "conv2d": _convolution,
    "convolution": _convolution,
    "_convolution": _convolution,
    "conv_transpose1d": _transposed,
    "conv_transpose2d": _transposed,
    "linear": _linear,
    "addmm": _addmm,
    "mm": _product,
    "matmul": _product,
    "bmm": _product,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _first(_batch_norm),
    "instance_norm": _instance_norm,
    "layer_norm": _layer_norm,
    "native_layer_norm": _first(_layer_norm),
    "group_norm": _group_norm,
    "embedding": _embedding,
    "lstm": _memory(nn.LSTM),
    "gru": _memory(nn.GRU),
}
