"""What a runtime has to carry out for one sample of a network: operators and their shapes."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

import torch
from torch import fx, nn
from torch.nn import functional as F

from compress_core.fused import costs_nothing
from compress_core.integers import leaf_of
from compress_core.network import Network
from compress_core.quantize import ACTIVATIONS, SUMS, is_one_of
from compress_core.recurrence import RECURRENT, GRURecurrence

Layer = Literal["conv", "linear", "embedding", "gru", "lstm"]
Between = Literal["maximum", "average", "mean", "add", "relu", "reshape"]
OfRows = Literal["transpose", "product", "softmax", "norm", "mean-time", "pick"]
Kind = Layer | Between | OfRows
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator as a runtime carries it out; functions after layers are part of the layer."""

    kind: Kind
    inputs: int
    """Channels that are read."""
    outputs: int
    """Channels that are written."""
    read: int = 1
    """Positions of the input: height x width."""
    positions: int = 1
    """Positions of the output."""
    kernel: int = 1
    """Positions of the input that one position of the output looks at."""
    groups: int = 1
    axes: int = 2
    """How many dimensions positions have."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates; 0 for what only layers have."""
        if self.kind not in ("conv", "linear", "product", "gru", "lstm"):
            return 0
        inputs = self.inputs // self.groups if self.kind == "conv" else self.inputs
        return self.positions * self.outputs * self.kernel * inputs


def operators(network: Network) -> tuple[Operator, ...] | None:
    """Return the operators of *network* in order; None when there is one that is not known."""
    found = described(network)
    known = tuple(known for _, known in found if known is not None)
    return known if len(known) == len(found) else None


def described(network: Network) -> tuple[tuple[str, Operator | None], ...]:
    """Return name and operator of all that costs time, in order; None for what is not known."""
    module, shapes = network.module, network.shapes
    return tuple(
        (_name(module, node), _operator(module, node, shapes))
        for node in module.graph.nodes
        if node.op not in ("placeholder", "output", "get_attr") and not costs_nothing(module, node)
    )


def _name(module: fx.GraphModule, node: fx.Node) -> str:
    """Return what people call a node: type and place of a module, or a function's name."""
    leaf = leaf_of(module, node)
    return node.name if leaf is None else f"{type(leaf).__name__} {node.target}"


def _operator(
    module: fx.GraphModule, node: fx.Node, shapes: Mapping[str, list[int]]
) -> Operator | None:
    sources = [shapes[s.name] for s in node.all_input_nodes if s.name in shapes]
    if not all(sources) or not sources or not shapes.get(node.name):
        return None
    before, after = tuple(sources[0]), tuple(shapes[node.name])
    if min(len(before), len(after)) < 2:
        return None
    leaf = leaf_of(module, node)
    for kinds, kind in ROWS:
        if is_one_of(module, node, kinds):
            return None if kind == "mean-time" and len(before) != 3 else _rows(kind, before, after)
    for types, describe in LEAVES.items():
        if isinstance(leaf, types):
            return describe(leaf, before, after)
    for functions, plain in FUNCTIONS:
        if is_one_of(module, node, functions):
            return _plain(plain, before, after)
    return None


def _rows(kind: Kind, before: Shape, after: Shape) -> Operator:
    """Describe what works on rows of values, the last of the axes."""
    return Operator(
        kind=kind,
        inputs=before[-1],
        outputs=after[-1],
        read=prod(before[:-1]),
        positions=prod(after[:-1]),
        groups=prod(before[:-2]) if kind == "product" else 1,
        axes=1,
    )


def _conv(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    assert isinstance(leaf, (nn.Conv1d, nn.Conv2d))
    if before[0] > 1:
        return None  # moments were made samples, which nobody measured
    return Operator(
        kind="conv",
        inputs=leaf.in_channels,
        outputs=leaf.out_channels,
        read=prod(before[2:]),
        positions=prod(after[2:]),
        kernel=prod(leaf.kernel_size),
        groups=leaf.groups,
        axes=len(leaf.kernel_size),
    )


def _linear(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    return _rows("linear", before, after)


def _embedding(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    return replace(_rows("embedding", before, after), inputs=1, read=prod(before))


def _memory(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    assert isinstance(leaf, RECURRENT)
    return _rows("gru" if isinstance(leaf, GRURecurrence) else "lstm", before, after)


def _window(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    kind: Kind = "maximum" if isinstance(leaf, (nn.MaxPool1d, nn.MaxPool2d)) else "average"
    size = leaf.kernel_size
    axes = len(after) - 2
    kernel = size**axes if isinstance(size, int) else prod(size)  # type: ignore[arg-type]
    return Operator(
        kind=kind,
        inputs=before[1],
        outputs=after[1],
        read=prod(before[2:]),
        positions=prod(after[2:]),
        kernel=kernel,
        axes=axes,
    )


def _mean(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    return _plain("mean", before, after) if prod(after[2:]) == 1 else None


def _plain(kind: Kind, before: Shape, after: Shape) -> Operator:
    # The rows of several samples, or moments made samples, are positions.
    return Operator(
        kind=kind,
        inputs=before[1],
        outputs=after[1],
        read=before[0] * prod(before[2:]),
        positions=after[0] * prod(after[2:]),
        axes=max(1, len(after) - 2),
    )


Describe = Callable[[nn.Module, Shape, Shape], Operator | None]
LEAVES: dict[tuple[type[nn.Module], ...], Describe] = {
    (nn.Conv1d, nn.Conv2d): _conv,
    (nn.Linear,): _linear,
    (nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d): _window,
    (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d): _mean,
    (nn.Embedding,): _embedding,
    RECURRENT: _memory,
}
ROWS: tuple[tuple[tuple[object, ...], Kind], ...] = (
    ((torch.transpose, "transpose", torch.permute, "permute"), "transpose"),
    ((torch.matmul, torch.bmm, operator.matmul, "matmul"), "product"),
    ((nn.Softmax, torch.softmax, F.softmax, "softmax"), "softmax"),
    ((nn.LayerNorm, F.layer_norm), "norm"),
    ((torch.mean, "mean"), "mean-time"),
    ((operator.getitem,), "pick"),
)
RESHAPES = (
    *(nn.Flatten, torch.flatten, torch.reshape),
    *("flatten", "reshape", "squeeze", "unsqueeze", "view"),
)
"""They move no values."""
FUNCTIONS: tuple[tuple[tuple[object, ...], Kind], ...] = (
    (ACTIVATIONS, "relu"),
    (SUMS, "add"),
    (RESHAPES, "reshape"),
)
