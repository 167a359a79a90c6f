"""One call of an operator of torch (`aten`) -> the normal form, or the operator itself."""

from collections.abc import Callable
from typing import Any

import torch

from compress_core.importers.archive import shown
from compress_core.importers.aten_layers import ACTIVATIONS, LAYERS, Arguments, KeptAsItIs
from compress_core.importers.aten_shapes import SHAPES
from compress_core.importers.builder import Builder
from compress_core.importers.values import Value
from compress_core.refusal import IntakeError
from compress_core.vocabulary import FUNCTIONS, NAME_OF_OPERATOR

OPERATORS = {**ACTIVATIONS, **LAYERS, **SHAPES}
"""Name of an operator of torch -> what it becomes."""
SILENT = frozenset({"_assert_tensor_metadata", "_assert_scalar", "sym_constrain_range_for_size",
                    "sym_constrain_range", "_assert_async"})  # fmt: skip
"""Operators that compute nothing."""


def find_operator(target: str) -> Any:
    """Return the overload `conv2d.default`; raises IntakeError when torch has none such."""
    name, _, overload = target.partition(".")
    try:
        return getattr(getattr(torch.ops.aten, name), overload or "default")
    except (AttributeError, RuntimeError) as error:
        raise IntakeError(
            f"The operator {shown(target)} is not known to this version of PyTorch."
        ) from error


def complete(operator: Any, args: list[Any], named: Arguments) -> Arguments:
    """Return all arguments of a call by name, defaults included."""
    schema = operator._schema.arguments
    values = {a.name: a.default_value for a in schema if a.has_default_value()}
    values |= {a.name: value for a, value in zip(schema, args, strict=False)}
    return values | named


def raise_call(b: Builder, target: str, path: str, arguments: Arguments) -> Any:
    """Add what `aten.target(**arguments)` computes to *b*; returns a value or a tuple of them."""
    name = target.partition(".")[0]
    for known in (name, name.removesuffix("_")):
        if known in OPERATORS:
            try:
                return OPERATORS[known](b, path, arguments)
            except KeptAsItIs:
                break
    return _kept(b, target, arguments)


def _kept(b: Builder, target: str, arguments: Arguments) -> Any:
    """Call the operator as it is, if it is one that only computes."""
    name = target.partition(".")[0]
    operator = find_operator(target)
    if operator._schema.is_mutable and not name.endswith("__"):
        functional = target.replace(name, name.removesuffix("_"), 1)
        operator = find_operator(functional)
        name = name.removesuffix("_")
        target = functional
    function: Callable[..., Any] | None = FUNCTIONS.get(f"{NAME_OF_OPERATOR}{target}")
    if all(_known(v) for v in arguments.values()) and _only_computes(operator):
        function = function or operator
    if function is None:
        raise IntakeError(
            f"This network uses the operator {shown(name)}, which is not understood here, so it "
            "was not taken in; a version of it without this operator can be."
        )
    args, named = _in_order(operator, arguments)
    result = b.call(function, *args, **named)
    if isinstance(result.few, tuple | list):
        return tuple(b.call(_item, result, i) for i in range(len(result.few)))
    return result


def _in_order(operator: Any, arguments: Arguments) -> tuple[list[Any], Arguments]:
    """Return arguments as a call is written: by place, defaults at the end left out."""
    schema = operator._schema.arguments
    placed = [a for a in schema if not a.kwarg_only]
    while placed and placed[-1].has_default_value() and _is_default(placed[-1], arguments):
        placed.pop()
    named = [a for a in schema if a.kwarg_only and not _is_default(a, arguments)]
    return [arguments[a.name] for a in placed], {a.name: arguments[a.name] for a in named}


def _is_default(argument: Any, arguments: Arguments) -> bool:
    return bool(argument.has_default_value()) and (
        arguments[argument.name] is argument.default_value
    )


def _only_computes(operator: Any) -> bool:
    """Tell whether constants may pass through: no random numbers, no texts such as file names."""
    if torch.Tag.nondeterministic_seeded in operator.tags or operator._schema.is_mutable:
        return False
    return not any("str" in str(a.type).lower() for a in operator._schema.arguments)


def _known(value: Any) -> bool:
    if isinstance(value, Value):
        return value.known
    return all(_known(v) for v in value) if isinstance(value, list | tuple) else True


_item = FUNCTIONS["operator.getitem"]
