"""
A plain network (convolutions, batch norms, linear layers in order) guessed from its weights alone.

The file has kernels and widths; what it lacks (padding, pooling, strides) follows from the width
of the first linear layer and the input. All sequences that fit are proposed, likely ones first, as
rows that a person can edit; sample data can decide between them (`consult.weigh`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from compress_core.refusal import NeedsArchitecture

Shapes = Mapping[str, tuple[int, ...]]
RowKind = Literal["conv", "linear", "batch_norm", "relu", "max_pool", "mean_pool", "flatten"]
MOST_ROWS = 200
MOST_SUBSETS = 8
"""Convolutions up to which every choice of pools is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One layer; *weights* is how the names of its tensors begin, empty where it has none."""

    kind: RowKind
    weights: str = ""
    stride: int = 1
    padding: int = 0
    groups: int = 1
    size: int = 2
    """Of a pool."""


def propose(shapes: Shapes, input_shape: tuple[int, ...]) -> tuple[tuple[Row, ...], ...]:
    """
    Return the sequences that fit weights of these *shapes* and one sample's shape, likely first.

    Raises NeedsArchitecture, which says what is missing, when none does.
    """
    layers = _layers(shapes, input_shape[0])
    convs = [i for i, row in enumerate(layers) if row.kind == "conv"]
    linear = next((i for i, row in enumerate(layers) if row.kind == "linear"), None)
    if len(layers) > MOST_ROWS:
        raise NeedsArchitecture(f"{len(layers)} layers in a row are too many to guess about.")
    if linear is None:
        raise NeedsArchitecture(
            "There is no linear layer, so nothing tells how this network ends; bring it as ONNX, "
            "TorchScript or an exported program."
        )
    if convs and convs[-1] > linear:
        raise NeedsArchitecture("Convolutions follow linear layers; that is no plain network.")
    found = dict.fromkeys(_fitting(layers, convs, linear, shapes, input_shape))
    if not found:
        width = shapes[f"{layers[linear].weights}.weight"][1]
        raise NeedsArchitecture(
            f"No choice of padding and pooling turns samples of shape {input_shape} into the "
            f"{width:,} values that {layers[linear].weights!r} reads; another input shape may."
        )
    return tuple(found)


def build(rows: Sequence[Row], tensors: Mapping[str, Tensor]) -> nn.Sequential:
    """Return the network that *rows* describe, with its weights; raises NeedsArchitecture."""
    network, axes = nn.Sequential(), 2
    for number, row in enumerate(rows):
        own = {
            n.removeprefix(f"{row.weights}."): t
            for n, t in tensors.items()
            if row.weights and n.rpartition(".")[0] == row.weights
        }
        if row.kind in ("conv", "linear") and "weight" in own:
            axes = own["weight"].dim() - 2
        layer = _layer(row, own, axes)
        if row.kind == "batch_norm":
            own.setdefault("num_batches_tracked", torch.tensor(1))
        try:
            floats = {n: t.float() if t.is_floating_point() else t for n, t in own.items()}
            layer.load_state_dict(floats, strict=True, assign=True)
        except RuntimeError as error:
            raise NeedsArchitecture(f"The weights of {row.weights!r} do not fit.") from error
        name = row.weights.replace(".", "_") or f"{row.kind}{number}"
        network.add_module(name, layer)
    return network.eval()


def _layers(shapes: Shapes, channels: int) -> list[Row]:
    """Return the layers with weights in the order in which their widths follow each other."""
    names = list(dict.fromkeys(name.rpartition(".")[0] for name in shapes))
    for order in (names, sorted(names, key=_natural)):
        rows = _chain(order, shapes, channels)
        if rows is not None:
            return rows
    raise NeedsArchitecture(
        "The layers of this file do not follow each other one by one (widths differ, or there are "
        "branches); bring the network as ONNX, TorchScript or an exported program."
    )


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"(\d+)", name)]


def _chain(names: Sequence[str], shapes: Shapes, channels: int) -> list[Row] | None:
    rows: list[Row] = []
    width: int | None = channels
    for name in names:
        weight = shapes.get(f"{name}.weight")
        if weight is None or width is None:
            return None
        if f"{name}.running_mean" in shapes:
            if not rows or weight != (width,):
                return None
            rows.append(Row(kind="batch_norm", weights=name))
        elif len(weight) == 2:
            after_linear = any(row.kind == "linear" for row in rows)
            if after_linear and weight[1] != width:
                return None
            rows.append(Row(kind="linear", weights=name))
            width = weight[0]
        elif len(weight) in (3, 4):
            # One filter for each channel, or all channels for each filter; groups between the two
            # would let branches pass for a row.
            groups = width if weight[1] == 1 else 1
            if weight[1] * groups != width or weight[0] % groups:
                return None
            rows.append(Row(kind="conv", weights=name, groups=groups))
            width = weight[0]
        else:
            return None
    return rows or None


def _fitting(
    layers: list[Row], convs: list[int], linear: int, shapes: Shapes, input_shape: tuple[int, ...]
) -> Iterator[tuple[Row, ...]]:
    """Yield whole sequences for which the first linear layer reads what it should."""
    wanted = shapes[f"{layers[linear].weights}.weight"][1]
    if not convs:
        if prod(input_shape) == wanted:
            yield _sequence(layers, {}, (), False)
        return
    channels = shapes[f"{layers[convs[-1]].weights}.weight"][0]
    ways = product((True, False), ("pool", "stride"), _places(convs, shapes, layers))
    for same, halving, places in ways:
        changed = {}
        sides = list(input_shape[1:])
        for i in convs:
            kernel = shapes[f"{layers[i].weights}.weight"][2:]
            if len(kernel) != len(sides):
                return
            stride = 2 if halving == "stride" and i in places else 1
            padding = kernel[0] // 2 if same else 0
            changed[i] = replace(layers[i], stride=stride, padding=padding)
            sides = [
                ((n + 2 * padding - k) // stride + 1) // (1 + (halving == "pool" and i in places))
                for n, k in zip(sides, kernel, strict=True)
            ]
            if min(sides) < 1:
                break
        else:
            pools = places if halving == "pool" else ()
            if prod(sides) * channels == wanted:
                yield _sequence(layers, changed, pools, False)
            elif channels == wanted:
                yield _sequence(layers, changed, pools, True)


def _places(convs: list[int], shapes: Shapes, layers: list[Row]) -> Iterator[tuple[int, ...]]:
    """Yield after which convolutions the picture may be halved, likely choices first."""
    outputs = [shapes[f"{layers[i].weights}.weight"][0] for i in convs]
    yield tuple(convs)
    ends = [i for i, a, b in zip(convs, outputs, [*outputs[1:], 0], strict=True) if a != b]
    yield tuple(ends)
    yield tuple(ends[:-1])
    yield tuple(convs[:-1])
    yield ()
    if len(convs) <= MOST_SUBSETS:
        for chosen in product((True, False), repeat=len(convs)):
            yield tuple(i for i, picked in zip(convs, chosen, strict=True) if picked)


def _sequence(
    layers: list[Row], changed: Mapping[int, Row], pools: Sequence[int], mean: bool
) -> tuple[Row, ...]:
    rows: list[Row] = []
    flat = False
    for i, row in enumerate(layers):
        if row.kind == "linear" and not flat:
            rows += [Row(kind="mean_pool")] if mean else []
            rows.append(Row(kind="flatten"))
            flat = True
        rows.append(changed.get(i, row))
        followed = i + 1 < len(layers) and layers[i + 1].kind == "batch_norm"
        if not followed and i + 1 < len(layers):
            rows.append(Row(kind="relu"))
        layer = i - 1 if row.kind == "batch_norm" else i
        if layer in pools and not followed:
            rows.append(Row(kind="max_pool"))
    return tuple(rows)


POOLS: dict[tuple[str, int], type[nn.Module]] = {
    ("max_pool", 1): nn.MaxPool1d,
    ("max_pool", 2): nn.MaxPool2d,
    ("mean_pool", 1): nn.AdaptiveAvgPool1d,
    ("mean_pool", 2): nn.AdaptiveAvgPool2d,
}


def _layer(row: Row, own: Mapping[str, Tensor], axes: int) -> nn.Module:
    """Return the layer of a row; *axes* are those of the layer with weights before or at it."""
    if row.kind in ("relu", "flatten"):
        return nn.ReLU() if row.kind == "relu" else nn.Flatten()
    if (row.kind, axes) in POOLS:
        return POOLS[row.kind, axes](row.size if row.kind == "max_pool" else 1)
    if "weight" not in own:
        raise NeedsArchitecture(f"There are no weights for the layer {row.weights or row.kind!r}.")
    weight, bias = own["weight"], "bias" in own
    with torch.device("meta"):
        if row.kind == "linear":
            return nn.Linear(weight.shape[1], weight.shape[0], bias=bias)
        if row.kind == "batch_norm":
            return (nn.BatchNorm2d if axes == 2 else nn.BatchNorm1d)(len(weight))
        kind: Any = nn.Conv2d if axes == 2 else nn.Conv1d
        layer: nn.Module = kind(
            weight.shape[1] * row.groups, weight.shape[0], tuple(weight.shape[2:]), row.stride,
            row.padding, groups=row.groups, bias=bias,
        )  # fmt: skip
        return layer
