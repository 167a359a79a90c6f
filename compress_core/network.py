"""
The normal form of a network: a `torch.fx.GraphModule` whose parameterised layers are `nn` leaves.

Whatever a network came from, every later floor sees only this.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import prod

import torch
from torch import Tensor, fx, nn

from compress_core.recurrence import GRURecurrence, LSTMRecurrence
from compress_core.shapes import node_shapes
from compress_core.unfold import unfold

LAYER_KINDS: dict[type[nn.Module], str] = {
    nn.Conv1d: "conv1d",
    nn.Conv2d: "conv2d",
    nn.Linear: "linear",
    nn.Embedding: "embedding",
    GRURecurrence: "gru",
    LSTMRecurrence: "lstm",
}
"""Layers whose weights can be compressed: out x in x kernel, or words x the values of each."""
MULTIPLYING = (nn.Conv1d, nn.Conv2d, nn.Linear)
"""Layers that multiply what they read; an embedding looks up rows and computes nothing."""
WIDTH_AXIS = {**dict.fromkeys(MULTIPLYING, 0), GRURecurrence: 1, LSTMRecurrence: 1}
"""Layers that multiply -> the axis of the weight as long as one position of their output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One compressible layer: what it holds and what one sample costs."""

    name: str
    kind: str
    shape: tuple[int, ...]
    """Of the weight: outputs x inputs x kernel; of an embedding, words x the values of each."""
    parameters: int
    """Weight and bias."""
    macs: int
    """Multiply-accumulates for one sample."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Network:
    """A network in normal form. Shared between sessions: nobody writes into its module."""

    name: str
    module: fx.GraphModule
    input_shape: tuple[int, ...]
    """Of one sample, without the batch."""
    labels: tuple[str, ...]
    layers: tuple[Layer, ...]
    shapes: Mapping[str, list[int]]
    """Of every node's output for one sample, the batch first."""
    mean: float | tuple[float, ...] = 0.0
    """Of a raw sample, or of each of its channels: the network reads (raw - mean) / std."""
    std: float | tuple[float, ...] = 1.0

    @property
    def parameters(self) -> int:
        """Number of trainable values, all layers."""
        return sum(p.numel() for p in self.module.parameters())

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return sum(layer.macs for layer in self.layers)

    def __repr__(self) -> str:
        return f"Network({self.name}, {len(self.layers)} layers, {self.parameters:,} parameters)"


def from_module(
    module: nn.Module, input_shape: tuple[int, ...], labels: tuple[str, ...], name: str
) -> Network:
    """
    Bring an eager module into normal form; the module itself is left as it is.

    Raises ValueError when it cannot be traced (its path depends on values) or when the traced
    form computes something else.
    """
    module = deepcopy(module).eval()
    try:
        traced = fx.symbolic_trace(module)
    except Exception as error:
        raise ValueError(
            f"{name} cannot be read as one fixed graph: {error}. "
            "Networks whose path depends on the values in the input are not supported."
        ) from error
    unfold(traced, input_shape)
    traced.requires_grad_(False)
    x = _random(traced, input_shape)
    with torch.inference_mode():
        if not torch.allclose(traced(x), module(x), atol=1e-5):
            raise ValueError(f"{name} computes something else after tracing; it is not supported.")
    return from_graph(traced, input_shape, labels, name)


def from_graph(
    module: fx.GraphModule, input_shape: tuple[int, ...], labels: tuple[str, ...], name: str
) -> Network:
    """Describe a graph that is in normal form already (its layer inventory is taken anew)."""
    shapes = node_shapes(module, input_shape)
    return Network(
        name=name,
        module=module,
        input_shape=input_shape,
        labels=labels,
        layers=tuple(_inventory(module, shapes)),
        shapes=shapes,
    )


def with_module(network: Network, module: fx.GraphModule) -> Network:
    """Return *network* with a module of other values, whose nodes give the same shapes."""
    layers = tuple(_inventory(module, network.shapes))
    return replace(network, module=module, layers=layers)


def reads_tokens(module: fx.GraphModule) -> bool:
    """Tell whether a network reads numbers of words: all that it does with them is look them up."""
    starts = [node for node in module.graph.nodes if node.op == "placeholder"]
    return all(node.users and all(u.target == "long" for u in node.users) for node in starts)


def example(network: Network, count: int = 1) -> Tensor:
    """Return *count* samples of zeros in the dtype that files of *network* take."""
    dtype = torch.int64 if reads_tokens(network.module) else torch.float32
    return torch.zeros(count, *network.input_shape, dtype=dtype)


def _random(module: fx.GraphModule, input_shape: tuple[int, ...]) -> Tensor:
    """Return two random samples: normal values, or words that every embedding knows."""
    generator = torch.Generator().manual_seed(0)
    if reads_tokens(module):
        rows = [m.num_embeddings for m in module.modules() if isinstance(m, nn.Embedding)]
        return torch.randint(0, min(rows, default=2), (2, *input_shape), generator=generator)
    return torch.randn(2, *input_shape, generator=generator)


def layer_calls(module: fx.GraphModule) -> Iterator[tuple[fx.Node, nn.Module]]:
    """Yield (node, leaf) of every call of a module, in the order of execution."""
    for node in module.graph.nodes:
        if node.op == "call_module":
            yield node, module.get_submodule(str(node.target))


def layer_weight(module: fx.GraphModule, name: str) -> Tensor:
    """Return the weight of a layer: outputs x inputs x kernel."""
    weight = module.get_submodule(name).weight
    assert isinstance(weight, Tensor)
    return weight


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the layer names that a pattern matches, in order; a block names its layers."""
    return [
        name
        for name in names
        if fnmatchcase(name, pattern) or fnmatchcase(name.rpartition(".")[0], pattern)
    ]


def output_layers(module: fx.GraphModule) -> set[str]:
    """Return the names of the layers whose outputs are the answer of the network."""
    layers, seen = set(), set()
    waiting = [node for node in module.graph.nodes if node.op == "output"]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.op == "call_module" and type(module.get_submodule(node.target)) in LAYER_KINDS:
            layers.add(str(node.target))
        else:
            waiting.extend(node.all_input_nodes)
    return layers


def _inventory(module: fx.GraphModule, shapes: Mapping[str, list[int]]) -> Iterator[Layer]:
    for node, leaf in layer_calls(module):
        if type(leaf) in LAYER_KINDS:
            weight = leaf.weight
            assert isinstance(weight, Tensor)
            axis = WIDTH_AXIS.get(type(leaf))
            positions = 0 if axis is None else prod(shapes[node.name]) // weight.shape[axis]
            yield Layer(
                name=str(node.target),
                kind=LAYER_KINDS[type(leaf)],
                shape=tuple(weight.shape),
                parameters=sum(p.numel() for p in leaf.parameters()),
                macs=positions * weight.numel(),
            )


def output_shapes(module: fx.GraphModule, input_shape: tuple[int, ...]) -> dict[str, list[int]]:
    """Run one zero sample and return the shape of every node's output, without the batch."""
    return {name: shape[1:] for name, shape in node_shapes(module, input_shape).items()}
