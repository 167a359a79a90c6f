"""Find what the app says, for Babel: words that pages mark, and sentences that the core makes."""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

Found = tuple[int, str, str | tuple[str, ...], list[str]]
"""Line, function, message or messages, comments: what Babel asks of an extractor."""
MARKS = ("_", "N_", "ngettext")
ENDS = (".", "?", "!", "…")


def words(
    source: IO[bytes], keywords: Mapping[str, Any], tags: Collection[str], options: Any
) -> Iterator[Found]:
    """Yield what pages mark. (Babel's own extractor overlooks what stands in an f-string.)"""
    for node in ast.walk(ast.parse(source.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            texts = tuple(a.value for a in node.args if isinstance(a, ast.Constant))
            said = tuple(text for text in texts if isinstance(text, str))
            if said:
                yield node.lineno, node.func.id, said if len(said) > 1 else said[0], []


def sentences(
    source: IO[bytes], keywords: Mapping[str, Any], tags: Collection[str], options: Any
) -> Iterator[Found]:
    """
    Yield the core's sentences: what it raises with, and whatever else begins and ends like one.

    The fields of an f-string are numbered: `{0}` is not a network.
    """
    tree = ast.parse(source.read())
    raised = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        for part in node.exc.args[:1]
    }
    for node in _texts(tree):
        text = template(node)
        whole = text[:1].isupper() or text.startswith("{0}")
        if " " in text and (id(node) in raised or (whole and text.endswith(ENDS))):
            yield node.lineno, "_", text, []


def template(node: ast.Constant | ast.JoinedStr) -> str:
    """Return a text with numbers for its fields."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts, fields = [], 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            parts.append(f"{{{fields}}}")
            fields += 1
    return "".join(parts)


def _texts(node: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Yield texts that are values: no docstrings, and no pieces of an f-string."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.JoinedStr):
            yield child
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child
        else:
            yield from _texts(child)
