"""What a runtime has to carry out for one sample of a network: operators and their shapes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import fx, nn
from torch.nn import functional as F

from compress_core.integers import leaf_of
from compress_core.network import Network, output_shapes
from compress_core.quantize import ACTIVATIONS, BATCH_NORMS, SUMS, is_one_of

Kind = Literal["conv", "linear", "maximum", "average", "mean", "add", "relu", "reshape"]
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
        if self.kind not in ("conv", "linear"):
            return 0
        return self.positions * self.outputs * self.kernel * (self.inputs // self.groups)


def operators(network: Network) -> tuple[Operator, ...] | None:
    """Return the operators of *network* in order; None when there is one that is not known."""
    shapes = output_shapes(network.module, network.input_shape)
    known: list[Operator] = []
    for node in network.module.graph.nodes:
        if node.op not in ("placeholder", "output") and not _costs_nothing(network.module, node):
            operator = _operator(network.module, node, shapes)
            if operator is None:
                return None
            known.append(operator)
    return tuple(known)


def _costs_nothing(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether runtimes leave a node out, or make it a part of the layer before it."""
    if is_one_of(module, node, (nn.Identity, nn.Dropout, F.dropout, "contiguous", "size")):
        return True
    fused = is_one_of(module, node, (*BATCH_NORMS, *ACTIVATIONS))
    return fused and _layer_before(module, node)


def _layer_before(module: fx.GraphModule, node: fx.Node) -> bool:
    source = node.args[0]
    while isinstance(source, fx.Node) and len(source.users) == 1:
        if isinstance(leaf_of(module, source), (nn.Conv1d, nn.Conv2d, nn.Linear)):
            return True
        if not is_one_of(module, source, (*BATCH_NORMS, nn.Identity, nn.Dropout)):
            return False
        source = source.args[0]
    return False


def _operator(
    module: fx.GraphModule, node: fx.Node, shapes: dict[str, list[int]]
) -> Operator | None:
    sources = [shapes[s.name] for s in node.all_input_nodes if s.name in shapes]
    if not all(sources) or not sources or not shapes.get(node.name):
        return None
    before, after = tuple(sources[0]), tuple(shapes[node.name])
    leaf = leaf_of(module, node)
    for types, describe in LEAVES.items():
        if isinstance(leaf, types):
            return describe(leaf, before, after)
    for functions, kind in FUNCTIONS:
        if is_one_of(module, node, functions):
            return _plain(kind, before, after)
    return None


def _conv(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    assert isinstance(leaf, (nn.Conv1d, nn.Conv2d))
    return Operator(
        kind="conv",
        inputs=leaf.in_channels,
        outputs=leaf.out_channels,
        read=prod(before[1:]),
        positions=prod(after[1:]),
        kernel=prod(leaf.kernel_size),
        groups=leaf.groups,
        axes=len(leaf.kernel_size),
    )


def _linear(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    assert isinstance(leaf, nn.Linear)
    # For several positions a runtime multiplies matrices, which nobody measured.
    if len(before) > 1:
        return None
    return Operator(kind="linear", inputs=leaf.in_features, outputs=leaf.out_features)


def _window(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    kind: Kind = "maximum" if isinstance(leaf, nn.MaxPool2d) else "average"
    size = leaf.kernel_size
    kernel = size * size if isinstance(size, int) else prod(size)  # type: ignore[arg-type]
    return Operator(
        kind=kind,
        inputs=before[0],
        outputs=after[0],
        read=prod(before[1:]),
        positions=prod(after[1:]),
        kernel=kernel,
    )


def _mean(leaf: nn.Module, before: Shape, after: Shape) -> Operator | None:
    return _plain("mean", before, after) if prod(after[1:]) == 1 else None


def _plain(kind: Kind, before: Shape, after: Shape) -> Operator:
    return Operator(
        kind=kind,
        inputs=before[0],
        outputs=after[0],
        read=prod(before[1:]),
        positions=prod(after[1:]),
        axes=max(1, len(after) - 1),
    )


Describe = Callable[[nn.Module, Shape, Shape], Operator | None]
LEAVES: dict[tuple[type[nn.Module], ...], Describe] = {
    (nn.Conv1d, nn.Conv2d): _conv,
    (nn.Linear,): _linear,
    (nn.MaxPool2d, nn.AvgPool2d): _window,
    (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d): _mean,
}
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
