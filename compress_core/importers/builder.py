"""
A graph in normal form as it grows: leaves and calls, and what is known of every value.

Files say little about which sizes follow the batch. So every value is known for two batches at
once, `FEW` and `MORE` samples: what comes from the samples by its shape alone (fake tensors), what
does not as it is. A number that differs between the two follows the batch, one that does not is
fixed; computed shapes thus dissolve into constants and the one size that varies.
"""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from compress_core.effort import MOST_VALUES
from compress_core.importers.values import (
    FEW,
    MORE,
    Value,
    all_known,
    all_same,
    constant,
    has_fake,
    pick,
    without_batch,
)
from compress_core.refusal import IntakeError
from compress_core.unfold import unfold


class Builder:
    """Collects nodes and leaves; `finish` gives the module."""

    def __init__(self, input_shape: tuple[int, ...], whole: bool = False) -> None:
        self.input_shape = input_shape
        self.graph, self.root = fx.Graph(), nn.Module()
        self.fake = FakeTensorMode(allow_non_fake_inputs=True)
        self.paths: set[str] = set()
        self.fixed_batch: int | None = None
        self.placeholder = self.graph.placeholder("input")
        self.input = self._input(input_shape, whole)

    def _input(self, shape: tuple[int, ...], whole: bool) -> Value:
        """Return the samples; *whole* numbers (tokens) come as floats, as all data do."""
        kind = torch.int64 if whole else torch.float32
        with self.fake:
            few, more = (torch.empty(batch, *shape, dtype=kind) for batch in (FEW, MORE))
        node = self.graph.call_method("long", (self.placeholder,)) if whole else self.placeholder
        return Value(node, few, more)

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Value:
        """Apply a function of torch to values and plain arguments."""
        few, more = self._both(function, args, kwargs)
        if all_known((args, kwargs)):
            return Value(None, few, more)
        node = self.graph.call_function(function, self._nodes(args), self._nodes(kwargs))
        return Value(node, few, more)

    def method(self, name: str, value: Value, *args: Any, **kwargs: Any) -> Value:
        """Call a method of a tensor."""

        def function(x: Any, *rest: Any, **named: Any) -> Any:
            return getattr(x, name)(*rest, **named)

        few, more = self._both(function, (value, *args), kwargs)
        if all_known((value, args, kwargs)):
            return Value(None, few, more)
        node = self.graph.call_method(
            name, (self._node(value), *self._nodes(args)), self._nodes(kwargs)
        )
        return Value(node, few, more)

    def leaf(self, path: str, module: nn.Module, *args: Any) -> Value:
        """Call a module, which becomes a leaf named after *path*."""
        module.eval().requires_grad_(False)
        few, more = self._both(module, args, {})
        path = self._register(path, module)
        return Value(self.graph.call_module(path, self._nodes(args)), few, more)

    def rename(self, node: fx.Node, path: str) -> None:
        """Let a leaf have another name; the old one goes when the graph is finished."""
        node.target = self._register(path, self.root.get_submodule(str(node.target)))

    def number(self, few: int, more: int) -> Any:
        """Return a whole number of the graph: fixed, or so many for each sample."""
        if few == more:
            return few
        each, rest = divmod(more - few, MORE - FEW)
        offset = few - each * FEW
        if rest:
            raise IntakeError(
                "A size in this network follows the number of samples in a way that is not "
                "understood; export it with a free batch axis."
            )
        batch = self.graph.call_method("size", (self.placeholder, 0))
        import operator

        scaled = batch if each == 1 else self.graph.call_function(operator.mul, (batch, each))
        return self.graph.call_function(operator.add, (scaled, offset)) if offset else scaled

    def finish(self, answer: Value) -> fx.GraphModule:
        """Return the module whose output is *answer*."""
        if answer.known or not isinstance(answer.few, Tensor):
            raise IntakeError("The answer of this network does not depend on its input.")
        if answer.few.dim() < 1 or answer.few.shape[0] != FEW or answer.more.shape[0] != MORE:
            raise IntakeError(
                "The answer of this network is not one row for each sample; only networks that "
                "judge samples one by one can be compressed here."
            )
        self.graph.output(answer.node)
        module = fx.GraphModule(self.root, self.graph)
        module.graph.eliminate_dead_code()
        module.recompile()
        module.delete_all_unused_submodules()
        unfold(module, self.input_shape)
        return module.eval().requires_grad_(False)

    def constant_node(self, value: Value) -> Any:
        """Return what stands in the graph for a value that is known beforehand."""
        few, more = value.few, value.more
        if isinstance(few, int) and isinstance(more, int):
            return self.number(few, more)
        if isinstance(few, float):
            return few
        if not isinstance(few, Tensor):
            return self._nodes(few)
        if few.shape != more.shape or not torch.equal(few, more):
            few = without_batch(few, more)
        if few.dtype != torch.float32:
            return self._typed(few)
        return self.graph.get_attr(self._register("constant", few))

    def _typed(self, value: Tensor) -> Any:
        """Return the node of a tensor of whole numbers or truth values, kept as floats."""
        if value.is_floating_point():
            return self.graph.get_attr(self._register("constant", value.float()))
        if value.dtype != torch.bool and bool((value.abs() >= 1 << 24).any()):
            raise IntakeError("This network holds whole numbers beyond what a float can count.")
        node = self.graph.get_attr(self._register("constant", value.float()))
        return self.graph.call_method("bool" if value.dtype == torch.bool else "long", (node,))

    def _register(self, path: str, what: nn.Module | Tensor) -> str:
        """Add a leaf or constant under a free name near *path* and return the name."""
        parts = [re.sub(r"\W", "_", p, flags=re.ASCII) for p in path.split(".")]
        base = ".".join(p for p in parts if p) or "layer"
        base = base if len(base) < 120 else base[-100:].strip("._")
        base = ".".join(f"_{p}" if p in RESERVED else p for p in base.split("."))
        # A leaf has no leaves of its own.
        while any(base.startswith(f"{path}.") for path in self.paths):
            base = "_".join(base.rsplit(".", 1))
        name, count = base, 1
        while self._taken(name):
            count += 1
            name = f"{base}_{count}"
        self.paths.add(name)
        parent = self.root
        *folders, last = name.split(".")
        for folder in folders:
            if not hasattr(parent, folder):
                parent.add_module(folder, nn.Module())
            child = getattr(parent, folder)
            parent = child
        if isinstance(what, nn.Module):
            parent.add_module(last, what)
        else:
            parent.register_parameter(last, nn.Parameter(what.contiguous(), requires_grad=False))
        return name

    def _taken(self, name: str) -> bool:
        return any(p == name or p.startswith(f"{name}.") for p in self.paths)

    def _both(
        self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> tuple[Any, Any]:
        with torch.inference_mode(False), torch.no_grad():
            if all_known((args, kwargs)) and all_same((args, kwargs)):
                result = self._one(function, args, kwargs, "few")
                return result, result
            few = self._one(function, args, kwargs, "few")
            return few, self._one(function, args, kwargs, "more")

    def _one(
        self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any], which: str
    ) -> Any:
        args, kwargs = pick(args, which), pick(kwargs, which)
        if not has_fake((args, kwargs)) and not isinstance(function, nn.Module):
            _check_size(function, args, kwargs)
            return function(*args, **kwargs)
        with self.fake:
            return function(*args, **kwargs)

    def _nodes(self, arguments: Any) -> Any:
        if isinstance(arguments, Value):
            return self._node(arguments)
        if isinstance(arguments, tuple | list):
            return type(arguments)(self._nodes(a) for a in arguments)
        if isinstance(arguments, dict):
            return {name: self._nodes(a) for name, a in arguments.items()}
        if isinstance(arguments, Tensor):
            return self.constant_node(constant(arguments))
        return arguments

    def _node(self, value: Value) -> Any:
        return self.constant_node(value) if value.node is None else value.node


RESERVED = frozenset(dir(nn.Module())) | {"graph", "code"}


def _check_size(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
    """Find the size of a constant on the meta device before it takes memory."""

    def meta(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.to("meta")
        if isinstance(value, tuple | list):
            return type(value)(meta(v) for v in value)
        return value

    try:
        with torch.device("meta"):
            result = function(*meta(args), **{name: meta(v) for name, v in kwargs.items()})
    except Exception:
        return  # needs values; then it makes nothing larger than they say, or fails by itself
    if isinstance(result, Tensor) and result.numel() > MOST_VALUES:
        raise IntakeError("This network asks for a constant of absurd size; it was not built.")
