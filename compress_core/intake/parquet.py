"""Parquet through pyarrow: a table whose fields may be numbers, texts, pictures or lists."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from compress_core.intake.columns import Column, ColumnKind, Table
from compress_core.intake.limits import MOST_COLUMNS, MOST_ROWS
from compress_core.refusal import IntakeError

_SHOWN = 100
_AT_ONCE = 256
"""Rows that are in memory together."""


def open_parquet(path: Path) -> Table:
    """Read schema and first rows; raises IntakeError where the file is no such table."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        if file.metadata.num_rows > MOST_ROWS or file.metadata.num_columns > MOST_COLUMNS:
            raise IntakeError(
                f"{path.name} has more than {MOST_ROWS:,} rows or {MOST_COLUMNS:,} columns; "
                "choose fewer."
            )
        names = list(file.schema_arrow.names)
        if len(set(names)) < len(names):
            raise IntakeError(f"Two columns of {path.name} have one name; name each differently.")
        kinds = [_kind(field.type, pa) for field in file.schema_arrow]
        shown = next(file.iter_batches(_SHOWN), None)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, IntakeError):
            raise
        raise IntakeError(f"{path.name} is a damaged Parquet file; write it again.") from error
    if shown is None or not shown.num_rows:
        raise IntakeError(f"{path.name} holds no rows.")
    columns = [
        Column(name=name, kind=kind, values=tuple(_plain(v) for v in values if v is not None))
        for name, kind, values in zip(names, kinds, map(pa.Array.to_pylist, shown), strict=True)
        if kind is not None
    ]
    kept = [name for name, kind in zip(names, kinds, strict=True) if kind is not None]
    unread = [name for name in names if name not in kept]
    notes = (f"Not read: column {', '.join(map(repr, unread[:5]))}.",) if unread else ()

    def rows(chosen: Sequence[int]) -> Iterator[Sequence[Any] | str]:
        picked = [kept[i] for i in chosen]
        try:
            for batch in file.iter_batches(_AT_ONCE, columns=list(dict.fromkeys(picked))):
                found = [batch.column(name).to_pylist() for name in picked]
                yield from ([_plain(value) for value in row] for row in zip(*found, strict=True))
        except (pa.ArrowException, OSError) as error:
            raise IntakeError(f"{path.name} is damaged; write it again.") from error

    return Table(columns=tuple(columns), rows=rows, notes=notes)


def _kind(kind: Any, pa: Any) -> ColumnKind | None:
    """Return what a column of an Arrow type can be; None where nothing can be made of it."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "bytes"
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return "bytes"  # a picture as the datasets library writes it
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return "values"
    return None


def _plain(value: Any) -> Any:
    """Return the bytes of a picture and its path as the bytes alone, others as they are."""
    return value.get("bytes") if isinstance(value, dict) else value
