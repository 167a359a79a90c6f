"""A network cut into sections, each a small network of its own: layer by layer, or in blocks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, fx
from torch.func import functional_call

from compress_core.network import LAYER_KINDS
from compress_core.quantize import ACTIVATIONS, BATCH_NORMS, is_one_of

Reconstruction = Literal["layer", "block"]
Nodes = list[fx.Node]

LONGEST = 3
"""Layers in a row that make a block."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Section:
    """Nodes of a graph that follow each other, as a network from what they read to *output*."""

    module: fx.GraphModule
    inputs: tuple[str, ...]
    """Names of the nodes before it whose values it reads."""
    output: str
    """Name of the one node whose value is read after it."""
    layers: tuple[str, ...]

    def run(self, weights: Mapping[str, Tensor], inputs: Iterable[Tensor]) -> Tensor:
        """Return the output, with *weights* (by layer) in place of the section's own."""
        own = {f"{name}.weight": weights[name] for name in self.layers if name in weights}
        output: Tensor = functional_call(self.module, own, tuple(inputs))
        return output


def sections(module: fx.GraphModule, reconstruction: Reconstruction) -> list[Section]:
    """
    Return all of a graph in sections, in the order of execution.

    A *layer* is one with its activation function. A *block* (Li et al., 2021) is all between two
    points that every value passes through: a residual block; where layers just follow each other,
    two or three of them.
    """
    nodes = [n for n in module.graph.nodes if n.op not in ("placeholder", "get_attr", "output")]
    return [_section(module, part) for part in CUTS[reconstruction](module, nodes)]


def _by_layer(module: fx.GraphModule, nodes: Nodes) -> Iterator[Nodes]:
    part: Nodes = []
    for node in nodes:
        if part and not (_joins(module, node) and list(part[-1].users) == [node]):
            yield part
            part = []
        part.append(node)
    yield part


def _by_block(module: fx.GraphModule, nodes: Nodes) -> Iterator[Nodes]:
    row: list[Nodes] = []  # of pieces with one layer each
    for piece in _with_layers(module, _pieces(nodes)):
        if _layers(module, piece) == 1:
            row.append(piece)
        else:
            yield from _grouped(row)
            row = []
            yield piece
    yield from _grouped(row)


CUTS: dict[Reconstruction, Callable[[fx.GraphModule, Nodes], Iterator[Nodes]]] = {
    "layer": _by_layer,
    "block": _by_block,
}


def _pieces(nodes: Nodes) -> Iterator[Nodes]:
    """Cut wherever nothing but the value of one node is read later."""
    place = {node: i for i, node in enumerate(nodes)}
    last: dict[fx.Node, int] = {}
    for node in nodes:
        for value in node.all_input_nodes:
            if value.op != "get_attr":
                last[value] = place[node]
    piece: Nodes = []
    for i, node in enumerate(nodes[:-1]):
        piece.append(node)
        before = [v for v, end in last.items() if end > i and v is not node]
        if not any(v.op == "placeholder" or place[v] < i for v in before):
            yield piece
            piece = []
    yield [*piece, nodes[-1]]


def _with_layers(module: fx.GraphModule, pieces: Iterator[Nodes]) -> Iterator[Nodes]:
    """Let pieces without layers join: functions the layer before them, all else the one after."""
    part: Nodes = []
    for piece in pieces:
        if _layers(module, part) and not all(_joins(module, node) for node in piece):
            yield part
            part = []
        part = part + piece
    yield part


def _grouped(row: list[Nodes]) -> Iterator[Nodes]:
    count = -(-len(row) // LONGEST)
    for i in range(count):
        parts = row[i * len(row) // count : (i + 1) * len(row) // count]
        yield [node for part in parts for node in part]


def _layers(module: fx.GraphModule, nodes: Nodes) -> int:
    return sum(_is_layer(module, node) for node in nodes)


def _is_layer(module: fx.GraphModule, node: fx.Node) -> bool:
    return node.op == "call_module" and type(module.get_submodule(str(node.target))) in LAYER_KINDS


def _joins(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether *node* belongs to what it reads, as activation functions do."""
    return is_one_of(module, node, (*ACTIVATIONS, *BATCH_NORMS))


def _section(module: fx.GraphModule, nodes: Nodes) -> Section:
    read = dict.fromkeys(value for node in nodes for value in node.all_input_nodes)
    outside = [value for value in read if value not in nodes]
    graph = fx.Graph()
    copies = {
        value: graph.node_copy(value) if value.op == "get_attr" else graph.placeholder(value.name)
        for value in outside
    }
    for node in nodes:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[nodes[-1]])
    layers = dict.fromkeys(str(node.target) for node in nodes if _is_layer(module, node))
    return Section(
        module=fx.GraphModule(module, graph),
        inputs=tuple(value.name for value in outside if value.op != "get_attr"),
        output=nodes[-1].name,
        layers=tuple(layers),
    )
