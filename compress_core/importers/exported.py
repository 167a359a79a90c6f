"""An exported program -> the normal form, and the program run as it stands, for comparison."""

import operator
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from compress_core.importers.archive import shown
from compress_core.importers.aten import SILENT, complete, find_operator, raise_call
from compress_core.importers.builder import Builder
from compress_core.importers.pt2 import TYPES, Program
from compress_core.importers.values import Value, constant
from compress_core.refusal import IntakeError

ARITHMETIC: dict[str, Callable[..., Any]] = {
    "mul": operator.mul, "add": operator.add, "sub": operator.sub, "floordiv": operator.floordiv,
    "truediv": operator.truediv, "mod": operator.mod, "neg": operator.neg, "eq": operator.eq,
    "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "pow": operator.pow, "getitem": operator.getitem,
}  # fmt: skip
"""What programs compute with sizes."""


def build(program: Program, input_shape: tuple[int, ...]) -> fx.GraphModule:
    """Return the program in normal form; raises IntakeError."""
    b = Builder(input_shape, whole=not program.dtype.is_floating_point)
    b.fixed_batch = program.sizes[0]
    known: dict[str, Any] = {n: constant(_float(t)) for n, t in program.tensors.items()}
    known[program.input] = b.input
    paths = {name: full for name, full in program.names.items()}
    for node in program.graph["nodes"]:
        _step(b, program, node, known, paths)
    return b.finish(known[program.outputs[0]])


def run(program: Program, x: Tensor) -> Tensor:
    """Run the operators of the program one by one, as they stand in the file."""
    known: dict[str, Any] = dict(program.tensors)
    known[program.input] = x.to(program.dtype)
    with torch.inference_mode():
        for node in program.graph["nodes"]:
            family, name = _target(node)
            args, named = _arguments(node, known)
            if family == "python":
                _name_results(node, known, ARITHMETIC[name](*args, **named))
            elif name.partition(".")[0] not in SILENT:
                result = find_operator(name)(**complete(find_operator(name), args, named))
                _name_results(node, known, result)
    answer: Tensor = known[program.outputs[0]]
    return answer.float()


def _step(
    b: Builder, program: Program, node: dict[str, Any], known: dict[str, Any], paths: dict[str, str]
) -> None:
    family, name = _target(node)
    args, named = _arguments(node, known)
    if family == "python":
        _name_results(node, known, b.call(ARITHMETIC[name], *args, **named))
        return
    short = name.partition(".")[0]
    if short in SILENT:
        return
    arguments = complete(find_operator(name), args, named)
    if short in ("sym_size", "size"):
        x, dim = arguments["self"], arguments["dim"]
        result: Any = Value(None, int(x.few.shape[dim]), int(x.more.shape[dim]))
    elif short == "dim":
        result = constant(arguments["self"].few.dim())
    else:
        result = raise_call(b, name, _path(node, paths), arguments)
    _name_results(node, known, result)
    if isinstance(result, Value) and result.known:
        # A weight that is only turned still has its name.
        source = next((n for n in _names(node) if n in paths), None)
        if source is not None:
            paths |= dict.fromkeys(_output_names(node), paths[source])
    if find_operator(name)._schema.is_mutable:
        # x.add_(1): whoever reads x from here on reads the result.
        target = next((a for a in _names(node) if a in known), None)
        if target is not None:
            known[target] = result


def _target(node: dict[str, Any]) -> tuple[str, str]:
    target = str(node["target"])
    if target.startswith("torch.ops.aten."):
        return "aten", target.removeprefix("torch.ops.aten.")
    last = target.rpartition(".")[2]
    if target.startswith(("_operator.", "operator.")) and last in ARITHMETIC:
        return "python", last
    raise IntakeError(
        f"This network calls {shown(target)}, which is not one of PyTorch's own operators; it was "
        "not taken in."
    )


def _arguments(node: dict[str, Any], known: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    args, named = [], {}
    for entry in node["inputs"]:
        value = _value(entry["arg"], known)
        if entry.get("kind") == 1 and not entry["name"]:
            args.append(value)
        elif entry["name"]:
            named[entry["name"]] = value
        else:
            args.append(value)
    if named and str(node["target"]).startswith(("_operator.", "operator.")):
        args, named = [*args, *named.values()], {}
    return args, named


def _value(arg: dict[str, Any], known: dict[str, Any]) -> Any:
    (kind, content), *more = arg.items()
    if more or kind not in READERS:
        raise IntakeError(f"This network has an argument of the kind {shown(kind)}; not read here.")
    return READERS[kind](content, known)


READERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "as_none": lambda c, k: None,
    "as_tensor": lambda c, k: k[c["name"]],
    "as_tensors": lambda c, k: [k[t["name"]] for t in c],
    "as_optional_tensors": lambda c, k: [_value(t, k) for t in c],
    "as_int": lambda c, k: int(c),
    "as_ints": lambda c, k: [int(n) for n in c],
    "as_float": lambda c, k: float(c),
    "as_floats": lambda c, k: [float(n) for n in c],
    "as_bool": lambda c, k: bool(c),
    "as_bools": lambda c, k: [bool(n) for n in c],
    "as_string": lambda c, k: str(c),
    "as_sym_int": lambda c, k: _sym(c, k),
    "as_sym_ints": lambda c, k: [_sym(n, k) for n in c],
    "as_sym_float": lambda c, k: _sym(c, k),
    "as_sym_bool": lambda c, k: _sym(c, k),
    "as_scalar_type": lambda c, k: TYPES[c],
    "as_memory_format": lambda c, k: None,
    "as_layout": lambda c, k: None,
    "as_device": lambda c, k: None,
}
"""Kind of an argument -> how it is read; devices and layouts are those of this machine."""


def _sym(content: dict[str, Any], known: dict[str, Any]) -> Any:
    if "as_name" in content:
        return known[content["as_name"]]
    return next(content[key] for key in ("as_int", "as_float", "as_bool") if key in content)


def _name_results(node: dict[str, Any], known: dict[str, Any], result: Any) -> None:
    names = _output_names(node)
    if len(names) == 1 and not isinstance(result, tuple | list):
        result = (result,)
    for name, value in zip(names, result, strict=False):
        if name:
            known[name] = value


def _output_names(node: dict[str, Any]) -> list[str]:
    """Return the names that the results of a call bear in the file; empty for what is dropped."""
    names = []
    for output in node["outputs"]:
        (kind, content), *_ = output.items()
        if kind == "as_tensors":
            names += [t["name"] for t in content]
        else:
            names.append("" if kind == "as_none" else content.get("name", content.get("as_name")))
    return names


def _names(node: dict[str, Any]) -> list[str]:
    """Return the tensors that a call reads, first one first."""
    return [e["arg"]["as_tensor"]["name"] for e in node["inputs"] if "as_tensor" in e["arg"]]


def _path(node: dict[str, Any], paths: dict[str, str]) -> str:
    """Return where the module lay that this call belongs to, from the name of its weight."""
    for entry in node["inputs"]:
        for part in (entry["arg"].get("as_tensor"), *(entry["arg"].get("as_tensors") or ())):
            name = part and part.get("name")
            if name in paths:
                return module_of(paths[name])
    return str(node["target"]).rsplit(".", 2)[-2]


def module_of(parameter: str) -> str:
    """Return the module that a parameter belongs to: block.conv for block.conv.weight."""
    home, _, last = parameter.rpartition(".")
    named = re.sub(r"_?(weight|bias)(_\w+_l\d+.*)?$", "", last)
    return ".".join(part for part in (home, named) if part) or last


def _float(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
