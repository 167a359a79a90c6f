"""Tables as data sets: features in columns, paths of files, pictures, lists or texts in one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Choices
from compress_core.intake.columns import Roles, Table, assign, path_key
from compress_core.intake.folders import check_reads, stored_as
from compress_core.intake.listing import (
    NONE,
    PART_NAMES,
    Array,
    Listing,
    encode,
    encode_groups,
)
from compress_core.intake.pictures import decode_picture
from compress_core.intake.recognise import Content, content_of
from compress_core.intake.sounds import decode_sound
from compress_core.intake.text import Tokens, vocabulary_question
from compress_core.intake.tree import Tree
from compress_core.intake.wanted import Wanted, shown
from compress_core.refusal import IntakeError

Reader = Callable[[Any], Array]
"""The field or fields of a row -> values in the wanted shape; IntakeError says why not."""


def list_table(table: Table, tree: Tree | None, wanted: Wanted, choices: Choices) -> Listing:
    """List the rows of a table; *tree* holds the files that a column of paths names."""
    files = {} if tree is None else {entry.name: entry.name for entry in tree.entries}
    roles = assign(table.columns, wanted, choices, files)
    content = _content(table, roles, tree)
    reader = _reader(roles, content, tree, files, wanted, choices)
    classes, groups, parts, refused = _facts(table, roles)
    codes, class_names = encode(classes)
    questions = roles.questions
    if roles.kind == "text" and (question := vocabulary_question(wanted, choices)):
        questions = (*questions, question)
    dtype = {"features": "float32", "values": "float32", "text": "int32"}.get(roles.kind)
    return Listing(
        kind="text" if roles.kind == "text" else "table",
        names=_row_name,
        classes=codes,
        class_names=class_names,
        parts=np.array(parts, np.int32),
        groups=encode_groups(groups) if roles.group is not None else None,
        grouped_by="" if roles.group is None else table.columns[roles.group].name,
        dtype=dtype or stored_as(content, wanted),
        read=_rows(table, roles, reader),
        refused=refused,
        notes=(*table.notes, *roles.notes),
        questions=questions,
    )


def _row_name(number: int) -> str:
    return f"row {number + 1:,}"


def _facts(
    table: Table, roles: Roles
) -> tuple[list[str | None], list[str], list[int], dict[int, str]]:
    """Return class, group and part of every row, and the rows where one cannot be read."""
    indexes = [i for i in (roles.label, roles.group, roles.part) if i is not None]
    classes: list[str | None] = []
    groups: list[str] = []
    parts: list[int] = []
    refused: dict[int, str] = {}
    # Without a column to look at, rows are counted all the same.
    for number, row in enumerate(table.rows(indexes or [0])):
        values = iter(() if isinstance(row, str) else row)
        if isinstance(row, str):
            refused[number] = row
        name = _label(next(values, None)) if roles.label is not None else None
        group = next(values, None) if roles.group is not None else None
        part = next(values, None) if roles.part is not None else None
        if roles.label is not None and name is None:
            refused.setdefault(number, "its class is empty")
        known = PART_NAMES.get(str(part).strip().lower(), NONE)
        if roles.part is not None and known == NONE:
            refused.setdefault(number, f"its part, {part!r}, is none of train, validation, test")
        classes.append(name)
        groups.append(str(group))
        parts.append(known)
    return classes, groups, parts, refused


def _label(value: Any) -> str | None:
    """Return a class as text: 3.0 is 3, an empty field none."""
    if isinstance(value, float):
        value = int(value) if value.is_integer() else value
    text = "" if value is None else str(value).strip()
    if text.endswith(".0") and text[:-2].isdigit():
        text = text[:-2]
    return text[:200] or None


def _content(table: Table, roles: Roles, tree: Tree | None) -> Content:
    """Return whether a column of paths names pictures or sounds."""
    if roles.kind != "paths" or tree is None:
        return "picture"
    values = table.columns[roles.samples[0]].values
    there = {entry.name for entry in tree.entries}
    first = next(path_key(str(v)) for v in values if path_key(str(v)) in there)
    return content_of(tree, first)


def _rows(
    table: Table, roles: Roles, reader: Reader
) -> Callable[[NDArray[np.int64]], Iterator[tuple[int, Array | str]]]:
    def read(chosen: NDArray[np.int64]) -> Iterator[tuple[int, Array | str]]:
        wanted = iter(chosen.tolist())
        next_number = next(wanted, None)
        for number, row in enumerate(table.rows(roles.samples)):
            if next_number is None:
                return
            if number != next_number:
                continue
            next_number = next(wanted, None)
            try:
                yield number, row if isinstance(row, str) else reader(row)
            except IntakeError as error:
                yield number, str(error)

    return read


def _reader(
    roles: Roles,
    content: Content,
    tree: Tree | None,
    files: Mapping[str, str],
    wanted: Wanted,
    choices: Choices,
) -> Reader:
    if roles.kind == "features":
        return lambda row: _numbers(row, wanted)
    if roles.kind == "values":
        return lambda row: _numbers(_flat(row[0]), wanted)
    if roles.kind == "text":
        tokens = Tokens(wanted, choices)
        return lambda row: tokens(str(row[0] or ""))
    check_reads(content, wanted)
    decode = decode_sound if content == "sound" else decode_picture
    if roles.kind == "pictures":
        return lambda row: decode(_bytes(row[0]), wanted, choices)
    assert tree is not None

    def from_file(row: Any) -> Array:
        name = path_key(str(row[0]))
        if name not in files:
            raise IntakeError(f"there is no file {name[:200]!r}")
        return decode(tree.read(name), wanted, choices)

    return from_file


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise IntakeError("its picture is missing")
    return value


def _flat(value: Any) -> Any:
    """Return lists in lists as one list."""
    while isinstance(value, list) and value and isinstance(value[0], list):
        value = [each for inner in value if isinstance(inner, list) for each in inner]
    return value or []


def _numbers(row: Any, wanted: Wanted) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # too large becomes infinite, and is refused below
        try:
            values = np.fromiter(map(float, row), np.float64, len(row)).astype(np.float32)
        except (TypeError, ValueError) as error:
            raise IntakeError("a value is missing, or no number") from error
    if values.size != wanted.size:
        raise IntakeError(f"it has {values.size:,} values instead of {shown(wanted.shape)}")
    if not np.isfinite(values).all():
        raise IntakeError("a value is missing, infinite or too large")
    return values.reshape(wanted.shape)
