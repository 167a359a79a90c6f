"""
A network's graph as plain data and back: names from a vocabulary, numbers and texts, no code.

    {"name": ..., "input": [1, 28, 28], "labels": [...],
     "tensors": {"position": [1, 16, 64]},           parameters of the graph itself
     "leaves": [["Conv2d", {"in_channels": 1, ...}], ["ReLU", {}], ...],
     "nodes": [["x", "placeholder", "x", [], {}], "conv1", "relu1", ...]}

A node is [name, operation, target, arguments, keywords]. Most call a leaf with the value of the
node before: of these the path is enough. Leaves stand in the order in which nodes first call them.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.arguments import NAME, PATH, match, plain, value_of
from compress_core.network import Network
from compress_core.vocabulary import (
    ATTRIBUTES,
    FUNCTION_NAMES,
    FUNCTIONS,
    KINDS,
    LAYERS,
    METHODS,
)


def describe(network: Network) -> dict[str, Any]:
    """Return the structure of *network*; raises ValueError for what the vocabulary lacks."""
    module = network.module
    called = dict.fromkeys(n.target for n in module.graph.nodes if n.op == "call_module")
    read = dict.fromkeys(n.target for n in module.graph.nodes if n.op == "get_attr")
    return {
        "name": network.name,
        "input": list(network.input_shape),
        "labels": list(network.labels),
        "tensors": {str(t): list(_attribute(module, str(t)).shape) for t in read},
        "leaves": [_describe_leaf(str(t), module.get_submodule(str(t))) for t in called],
        "nodes": [_shortest(_describe_node(n), n.prev.name) for n in module.graph.nodes],
    }


def rebuild(structure: dict[str, Any]) -> fx.GraphModule:
    """
    Return the module that `describe` saw, on the meta device: shapes without values.

    Raises ValueError, TypeError, KeyError or RuntimeError for what is no structure.
    """
    nodes = [_complete(node, before) for before, node in _with_previous(structure["nodes"])]
    root: dict[str, Any] = {}
    called = dict.fromkeys(target for _, op, target, _, _ in nodes if op == "call_module")
    with torch.device("meta"):
        for path, (kind, parameters) in zip(called, structure["leaves"], strict=True):
            root[match(PATH, path)] = _build_leaf(kind, parameters)
        for path, shape in structure["tensors"].items():
            root[match(PATH, path)] = nn.Parameter(torch.empty(shape), requires_grad=False)
    module = fx.GraphModule(root, _build_graph(nodes))
    module.requires_grad_(False)
    return module.eval()


def _build_graph(nodes: list[list[Any]]) -> fx.Graph:
    graph = fx.Graph()
    built: dict[str, fx.Node] = {}
    for name, op, target, args, kwargs in nodes:
        keywords = {match(NAME, key): value_of(value, built) for key, value in kwargs.items()}
        arguments = tuple(value_of(value, built) for value in args)
        called = _resolve(op, target, args)
        node = graph.create_node(op, called, arguments, keywords, match(NAME, name))
        if node.name != name:
            raise ValueError(f"the name {name!r} is taken or reserved")
        built[name] = node
    graph.lint()
    return graph


def stored_tensors(module: fx.GraphModule) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that outputs depend on, by name, leaf by leaf in order of execution."""
    for target in dict.fromkeys(n.target for n in module.graph.nodes if n.op == "call_module"):
        for name, value in module.get_submodule(str(target)).state_dict().items():
            # How long a batch norm was trained for does not matter to what it computes.
            if name != "num_batches_tracked":
                yield f"{target}.{name}", value
    for target in dict.fromkeys(n.target for n in module.graph.nodes if n.op == "get_attr"):
        yield str(target), _attribute(module, str(target))


def _describe_leaf(path: str, leaf: nn.Module) -> list[Any]:
    if type(leaf) not in LAYERS:
        raise ValueError(
            f"The packed file has no word for {path}, a {type(leaf).__name__}; it knows "
            f"{', '.join(sorted(KINDS))}."
        )
    defaults = _defaults(type(leaf).__name__)
    values = {name: plain(_parameter(leaf, name)) for name in LAYERS[type(leaf)]}
    return [type(leaf).__name__, {n: v for n, v in values.items() if v != defaults[n]}]


def _parameter(leaf: nn.Module, name: str) -> Any:
    """Return what a constructor was given, where it says only whether there is a bias."""
    if name in SPATIAL:
        value = getattr(leaf, name)
        # Convolutions keep (3, 3) for 3.
        return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
    if name != "bias":
        return getattr(leaf, name)
    bias: Any = leaf.in_proj_bias if isinstance(leaf, nn.MultiheadAttention) else leaf.bias
    return bias if isinstance(bias, bool) else bias is not None


SPATIAL = frozenset({"kernel_size", "stride", "padding", "dilation"})


@cache
def _defaults(kind: str) -> dict[str, Any]:
    signature = inspect.signature(KINDS[kind].__init__).parameters
    # GRU and LSTM take theirs as *args, **kwargs; nothing equals a missing default.
    return {
        name: signature[name].default if name in signature else inspect.Parameter.empty
        for name in LAYERS[KINDS[kind]]
    }


def _build_leaf(kind: str, parameters: dict[str, Any]) -> nn.Module:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of layer")
    if unknown := parameters.keys() - set(LAYERS[KINDS[kind]]):
        raise ValueError(f"{kind} has no {sorted(unknown)[0]!r}")
    return KINDS[kind](**{name: value_of(value, {}) for name, value in parameters.items()})


def _describe_node(node: fx.Node) -> list[Any]:
    target = node.target
    if node.op == "call_function":
        target = FUNCTION_NAMES.get(node.target, str(node.target))  # type: ignore[arg-type]
    try:
        _resolve(node.op, target, node.args)
    except ValueError as error:
        raise ValueError(f"The packed file cannot describe {node.name}: {error}.") from error
    return [node.name, node.op, target, plain(node.args), plain(dict(node.kwargs))]


def _shortest(node: list[Any], previous: str) -> list[Any] | str:
    """Return the path alone where everything else is as usual."""
    return node[2] if _complete(node[2], previous) == node else node


def _complete(node: list[Any] | str, previous: str) -> list[Any]:
    if not isinstance(node, str):
        return node
    return [node.replace(".", "_"), "call_module", node, [{"node": previous}], {}]


def _with_previous(nodes: list[Any]) -> Iterator[tuple[str, Any]]:
    name = ""
    for node in nodes:
        yield name, node
        name = _complete(node, "")[0]


def _resolve(op: str, target: Any, args: Any) -> Any:
    """Return what a node calls, if the vocabulary has it."""
    if op == "call_function":
        if target not in FUNCTIONS:
            raise ValueError(f"{target!r} is no function of the vocabulary")
        if target == "builtins.getattr" and not (len(args) == 2 and args[1] in ATTRIBUTES):
            raise ValueError(f"the attribute {args[1:]!r} is not in the vocabulary")
        return FUNCTIONS[target]
    if op == "call_method" and target not in METHODS:
        raise ValueError(f"{target!r} is no method of the vocabulary")
    if op not in ("placeholder", "get_attr", "call_module", "call_method", "output"):
        raise ValueError(f"{op!r} is no operation")
    return match(PATH, target)


def _attribute(module: fx.GraphModule, path: str) -> Tensor:
    home, _, name = path.rpartition(".")
    value = getattr(module.get_submodule(home), name)
    if not isinstance(value, Tensor) or value.dtype != torch.float32:
        raise ValueError(f"The packed file cannot hold {path}; only float32 tensors.")
    return value
