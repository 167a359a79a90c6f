"""Layers made of the tensors that a file holds; the tensors themselves, not copies."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from compress_core.importers.builder import Builder
from compress_core.importers.values import Value, constant, sizes_for
from compress_core.refusal import IntakeError

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}
BATCH_NORMS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
INSTANCE_NORMS = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d}


def convolution(
    b: Builder,
    path: str,
    x: Value,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: Sequence[int],
    padding: Sequence[int] | str,
    dilation: Sequence[int],
    groups: int,
    transposed: bool = False,
    output_padding: Sequence[int] = (0,),
) -> Value:
    """Apply a convolution over one or two axes; raises IntakeError for three."""
    axes = weight.dim() - 2
    if axes not in CONVOLUTIONS or x.few.dim() != axes + 2:
        raise IntakeError(
            f"The convolution {path} works on {x.few.dim() - 2} axes; one and two are supported."
        )
    common: dict[str, Any] = {
        "kernel_size": tuple(weight.shape[2:]),
        "stride": _each(stride, axes),
        "padding": padding if isinstance(padding, str) else _each(padding, axes),
        "dilation": _each(dilation, axes),
        "groups": groups,
        "bias": bias is not None,
        "device": "meta",
    }
    if transposed:
        common["output_padding"] = _each(output_padding, axes)
        layer: nn.Module = TRANSPOSED[axes](
            weight.shape[0],
            weight.shape[1] * groups,
            **common,
        )
    else:
        layer = CONVOLUTIONS[axes](weight.shape[1] * groups, weight.shape[0], **common)
    return b.leaf(path, filled(layer, weight=weight, bias=bias), x)


def linear(b: Builder, path: str, x: Value, weight: Tensor, bias: Tensor | None) -> Value:
    """Apply x @ weight.T + bias; *weight* is outputs x inputs."""
    outputs, inputs = weight.shape
    if bias is not None and bias.shape != (outputs,):
        bias = bias.expand(outputs) if bias.numel() == 1 else bias.reshape(outputs)
    layer = nn.Linear(inputs, outputs, bias=bias is not None, device="meta")
    return b.leaf(path, filled(layer, weight=weight, bias=bias), x)


def batch_norm(
    b: Builder,
    path: str,
    x: Value,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
) -> Value:
    """Apply a batch norm in its evaluating mode."""
    kind, channels = BATCH_NORMS.get(x.few.dim()), len(mean)
    if kind is None:
        raise IntakeError(f"The batch norm {path} works on more than two axes.")
    layer = kind(channels, eps=eps, device="meta")
    filled(
        layer,
        weight=torch.ones(channels) if weight is None else weight,
        bias=torch.zeros(channels) if bias is None else bias,
        running_mean=mean,
        running_var=variance,
        num_batches_tracked=torch.tensor(1),
    )
    return b.leaf(path, layer, x)


def instance_norm(
    b: Builder, path: str, x: Value, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Value:
    """Apply an instance norm."""
    kind = INSTANCE_NORMS.get(x.few.dim())
    if kind is None:
        raise IntakeError(f"The instance norm {path} works on more than two axes.")
    layer = kind(x.few.shape[1], eps=eps, affine=weight is not None, device="meta")
    return b.leaf(path, filled(layer, weight=weight, bias=bias), x)


def layer_norm(
    b: Builder,
    path: str,
    x: Value,
    shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Value:
    """Apply a layer norm over the last axes, whose sizes are *shape*."""
    layer = nn.LayerNorm(
        tuple(shape),
        eps=eps,
        elementwise_affine=weight is not None,
        bias=bias is not None,
        device="meta",
    )
    return b.leaf(path, filled(layer, weight=weight, bias=bias), x)


def group_norm(
    b: Builder, path: str, x: Value, groups: int, weight: Tensor | None, bias: Tensor | None,
    eps: float,
) -> Value:  # fmt: skip
    """Apply a group norm."""
    channels = x.few.shape[1]
    layer = nn.GroupNorm(groups, channels, eps=eps, affine=weight is not None, device="meta")
    if weight is not None and bias is None:
        bias = torch.zeros(channels)
    return b.leaf(path, filled(layer, weight=weight, bias=bias), x)


def embedding(
    b: Builder, path: str, tokens: Value, weight: Tensor, padding_idx: int | None = None
) -> Value:
    """Look up the rows of *weight* for whole numbers."""
    layer = nn.Embedding(weight.shape[0], weight.shape[1], padding_idx=padding_idx, device="meta")
    return b.leaf(path, filled(layer, weight=weight), tokens)


def memory(
    b: Builder, path: str, kind: type[nn.LSTM] | type[nn.GRU], x: Value,
    parameters: Mapping[str, Tensor], *, layers: int, batch_first: bool, states: Sequence[Value],
) -> Value:  # fmt: skip
    """
    Apply an LSTM or GRU; the result is (outputs, last states) as torch returns it.

    *parameters* are named as torch names them. Zero states at the start are left out.
    """
    weight = parameters["weight_ih_l0"]
    recurrent = parameters["weight_hh_l0"]
    layer = kind(
        weight.shape[1],
        recurrent.shape[1],
        num_layers=layers,
        bias="bias_ih_l0" in parameters,
        batch_first=batch_first,
        bidirectional="weight_ih_l0_reverse" in parameters,
        device="meta",
    )
    if set(parameters) != {name for name, _ in layer.named_parameters()}:
        raise IntakeError(f"The layer {path} is of a kind of memory that is not supported.")
    filled(layer, **parameters)
    if all(state.known and not bool(state.few.any()) for state in states):
        return b.leaf(path, layer, x)
    raise IntakeError(
        f"The memory of {path} starts from something else than zero; that is not supported."
    )


def filled(layer: nn.Module, **values: Tensor | None) -> nn.Module:
    """Give a layer on the meta device its values, without a copy; shapes must be right."""
    for name, value in values.items():
        if value is None:
            continue
        place = getattr(layer, name)
        if place is None or place.shape != value.shape:
            wanted = None if place is None else tuple(place.shape)
            raise IntakeError(f"A {name} has the shape {tuple(value.shape)} instead of {wanted}.")
        value = value if value.dtype == torch.int64 else value.float()
        if isinstance(place, nn.Parameter):
            setattr(layer, name, nn.Parameter(value.contiguous(), requires_grad=False))
        else:
            layer.register_buffer(name, value)
    if isinstance(layer, nn.LSTM | nn.GRU):
        layer.flatten_parameters()
    return layer.eval()


def activation(b: Builder, layer: nn.Module, x: Value) -> Value:
    """Apply a layer without weights, named after its kind."""
    if x.known:
        return b.call(layer.forward, x)
    return b.leaf(type(layer).__name__.lower(), layer, x)


def padded(
    b: Builder, x: Value, before: Sequence[int], after: Sequence[int], value: float
) -> Value:
    """Pad the last axes, outermost first, with a number; nothing where all are zero."""
    if not any((*before, *after)):
        return x
    pairs = [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]
    if len(pairs) == 4 and value == 0 and x.few.dim() == 4 and min(pairs) >= 0:
        return b.leaf("pad", nn.ZeroPad2d((pairs[0], pairs[1], pairs[2], pairs[3])), x)
    return b.call(torch.nn.functional.pad, x, tuple(pairs), "constant", value)


def reshaped(
    b: Builder, x: Value, few: Sequence[int], more: Sequence[int], batch: int | None = None
) -> Value:
    """Reshape to sizes that may follow the batch; *batch* is the one that the file fixed."""
    if x.known:
        return Value(None, x.few.reshape(few), x.more.reshape(more))
    few, more = sizes_for(x, list(few), list(more), batch)
    differing = [i for i, (a, c) in enumerate(zip(few, more, strict=True)) if a != c]
    if differing and -1 not in few:
        few = [-1 if i == differing[0] else n for i, n in enumerate(few)]
        more = [-1 if i == differing[0] else n for i, n in enumerate(more)]
    sizes = [constant(a) if a == c else Value(None, a, c) for a, c in zip(few, more, strict=True)]
    return b.method("reshape", x, tuple(sizes))


def _each(values: Sequence[int], axes: int) -> tuple[int, ...]:
    return tuple(values) * axes if len(values) == 1 else tuple(values)
