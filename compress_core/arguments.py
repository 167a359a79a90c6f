"""Arguments of calls in a graph as JSON and back, and the names that files may use."""

import re
from collections.abc import Callable
from math import isfinite
from typing import Any

from torch import fx

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
PATH = re.compile(r"\w+(\.\w+)*", re.ASCII)


def match(pattern: re.Pattern[str], text: Any) -> str:
    """Return *text* if it is one that matches; raises ValueError."""
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is no name")
    return text


def plain(value: Any) -> Any:
    """Return JSON for the arguments of a call; `value_of` gives them back."""
    if isinstance(value, fx.Node):
        return {"node": value.name}
    if isinstance(value, slice):
        return {"slice": [plain(v) for v in (value.start, value.stop, value.step)]}
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if isinstance(value, list):
        return {"list": [plain(v) for v in value]}
    if isinstance(value, dict):
        return {match(NAME, name): plain(v) for name, v in value.items()}
    if isinstance(value, float) and not isfinite(value):
        return {"float": str(value)}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise ValueError(f"The packed file has no word for an argument like {value!r}.")


def value_of(value: Any, nodes: dict[str, fx.Node]) -> Any:
    """Return the argument that `plain` wrote, given the nodes by name."""
    if isinstance(value, list):
        return tuple(value_of(v, nodes) for v in value)
    if not isinstance(value, dict):
        return value
    (kind, content), *more = value.items()
    if more or kind not in VALUES:
        raise ValueError(f"{kind!r} is no kind of argument")
    return VALUES[kind](content, nodes)


VALUES: dict[str, Callable[[Any, dict[str, fx.Node]], Any]] = {
    "node": lambda name, nodes: nodes[name],
    "slice": lambda ends, nodes: slice(*(value_of(v, nodes) for v in ends)),
    "list": lambda items, nodes: [value_of(v, nodes) for v in items],
    "float": lambda text, _: float(text),
}
"""How `plain` marks what JSON has no form for."""
