"""Copy a graph with its leaves: as `deepcopy` does, in half the time."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from torch import Tensor, fx, nn


def duplicate(module: fx.GraphModule, values: Mapping[str, Tensor] | None = None) -> fx.GraphModule:
    """
    Return a copy that shares no node, module or tensor with *module*; gradients stay behind.

    *values* take the place of the parameters that they name, as they are and not copied.

    `deepcopy` walks through all that a leaf holds, two dozen empty hooks among it, which takes
    longer than a small network computes. Leaves' copies share what is not in a dict or set of
    theirs: numbers, and frozen descriptions such as grids. Nor is the code of the graph written
    anew: the copy's is the same until its nodes are changed and it is recompiled.
    """
    memo: dict[int, Any] = {}
    for name, value in (values or {}).items():
        parameter = module.get_parameter(name)
        memo[id(parameter)] = nn.Parameter(value, parameter.requires_grad)
    twin = _twin(module, memo)
    # Each graph module has a class of its own, which holds its code.
    twin.__class__ = type(fx.GraphModule.__new__(fx.GraphModule))
    assert isinstance(twin, fx.GraphModule)
    type(twin).forward = type(module).forward
    vars(twin)["_graph"] = graph = deepcopy(module.graph)
    graph.owning_module = twin
    return twin


def _twin(module: nn.Module, memo: dict[int, Any]) -> nn.Module:
    """Return a copy of a module; what is held twice, and so is in *memo*, is copied once."""
    if id(module) not in memo:
        twin: nn.Module = object.__new__(type(module))
        held = vars(module).items()
        vars(twin).update({n: v.copy() if isinstance(v, dict | set) else v for n, v in held})
        memo[id(module)] = twin
        vars(twin)["_modules"] = {n: m and _twin(m, memo) for n, m in module._modules.items()}
        vars(twin)["_parameters"] = {n: _clone(p, memo) for n, p in module._parameters.items()}
        vars(twin)["_buffers"] = {n: _clone(b, memo) for n, b in module._buffers.items()}
    found: nn.Module = memo[id(module)]
    return found


def _clone(tensor: Tensor | None, memo: dict[int, Any]) -> Tensor | None:
    if tensor is not None and id(tensor) not in memo:
        copy = tensor.detach().clone()
        kept = isinstance(tensor, nn.Parameter)
        memo[id(tensor)] = nn.Parameter(copy, tensor.requires_grad) if kept else copy
    return None if tensor is None else memo[id(tensor)]
