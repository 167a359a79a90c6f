"""CSV and its relatives: separator, encoding, header and decimal comma are found out."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from compress_core.intake.columns import KNOWN, Column, Table, plain
from compress_core.intake.limits import MOST_COLUMNS, MOST_FIELD, MOST_LINE, MOST_ROWS
from compress_core.intake.tree import Tree
from compress_core.refusal import IntakeError

_SHOWN = 1000
"""Rows that show what a column is."""
_SNIFFED = 1 << 18
"""Bytes that show encoding and separator."""
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_MOSTLY = 0.8
"""Share of numbers that makes a column one of numbers; the other rows are then faulty."""
_EMPTY = frozenset({"", "na", "n/a", "null", "none", "?"})


class _Delimited:
    """How one file is written, and its rows as texts."""

    def __init__(self, tree: Tree, name: str) -> None:
        self.tree, self.name = tree, name
        with tree.open(name) as file:
            head = file.read(_SNIFFED)
        self.encoding = _encoding(head)
        text = head.decode(self.encoding, "replace")
        self.delimiter = _delimiter(text)
        self.comma = self.delimiter != "," and _writes_commas(text, self.delimiter)
        csv.field_size_limit(MOST_FIELD)

    def raw(self) -> Iterator[list[str]]:
        """Yield every row that is not empty, the header included."""
        with io.TextIOWrapper(self.tree.open(self.name), self.encoding, "replace", "") as file:
            reader = csv.reader(_lines(file, self.name), delimiter=self.delimiter)
            try:
                for number, row in enumerate(row for row in reader if any(row)):
                    if number > MOST_ROWS or len(row) > MOST_COLUMNS:
                        raise IntakeError(
                            f"{self.name} has more than {MOST_ROWS:,} rows or "
                            f"{MOST_COLUMNS:,} columns; choose fewer."
                        )
                    yield row
            except csv.Error as error:
                raise IntakeError(
                    f"{self.name} is no table that can be read: {error} in line {reader.line_num}."
                ) from error

    def number(self, text: str) -> str:
        """Return a number as Python reads it."""
        return text.replace(",", ".") if self.comma else text


def open_delimited(tree: Tree, name: str) -> Table:
    """Read the head of a CSV; raises IntakeError where it is no table."""
    file = _Delimited(tree, name)
    head = list(islice(file.raw(), _SHOWN + 1))
    if not head:
        raise IntakeError(f"{name} holds no rows.")
    width = len(head[0])
    has_header = _has_header(file, head)
    names = head[0] if has_header else [f"column {i + 1}" for i in range(width)]
    if len(set(names)) < width:
        twice = next(name for name in names if names.count(name) > 1)
        raise IntakeError(f"Two columns of {name} are called {twice!r}; name each differently.")
    shown = [row for row in head[has_header:] if len(row) == width]
    if not shown:
        raise IntakeError(f"{name} holds no rows below its header.")
    columns = [_column(file, names[i].strip(), [row[i] for row in shown]) for i in range(width)]
    numeric = frozenset(i for i, column in enumerate(columns) if column.kind == "number")

    def rows(chosen: Sequence[int]) -> Iterator[Sequence[str] | str]:
        for row in islice(file.raw(), int(has_header), None):
            if len(row) != width:
                yield f"it has {len(row)} fields, the others have {width}"
            else:
                yield [file.number(row[i]) if i in numeric else row[i] for i in chosen]

    notes = () if has_header else ("The table has no header; its columns are numbered.",)
    return Table(columns=tuple(columns), rows=rows, notes=notes)


def _has_header(file: _Delimited, head: list[list[str]]) -> bool:
    """Tell whether the first row names the columns, though some may be named by numbers."""
    first, second = head[0], head[1] if len(head) > 1 else []
    if not any(_is_number(file.number(cell)) for cell in first):
        return True
    words = [cell for cell in first if not _is_number(file.number(cell))]
    over_numbers = any(
        not _is_number(file.number(a)) and _is_number(file.number(b))
        for a, b in zip(first, second, strict=False)
    )
    return over_numbers or any(plain(cell) in KNOWN for cell in words)


def _column(file: _Delimited, name: str, cells: list[str]) -> Column:
    full = [cell for cell in cells if cell.strip().lower() not in _EMPTY]
    hits = sum(_is_number(file.number(cell)) for cell in full)
    number = bool(full) and hits >= _MOSTLY * len(full)
    return Column(name=name, kind="number" if number else "text", values=tuple(full))


def _lines(file: io.TextIOWrapper, name: str) -> Iterator[str]:
    """Yield lines; one that never ends must not fill the memory."""
    while line := file.readline(MOST_LINE):
        if len(line) == MOST_LINE:
            raise IntakeError(f"A line of {name} is longer than {MOST_LINE >> 20} MiB.")
        yield line


def _encoding(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    try:
        head[: len(head) - 4 if len(head) == _SNIFFED else None].decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in two by the end of the head is no other encoding.
        return "utf-8" if error.start >= _SNIFFED - 8 else "cp1252"
    return "utf-8"


def _delimiter(text: str) -> str:
    """Return what separates fields: what divides the first lines into equally many."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    lines = lines[:-1] if len(lines) > 2 else lines  # the last may be cut

    def evenness(delimiter: str) -> tuple[float, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(counts), key=counts.count)
        return (counts.count(usual) / len(counts) if usual > 1 else 0.0), usual

    try:
        return max(",;\t|", key=evenness) if lines else ","
    except csv.Error:
        return ","


def _writes_commas(text: str, delimiter: str) -> bool:
    cells = [cell.strip() for line in text.splitlines()[:50] for cell in line.split(delimiter)]
    written = [cell for cell in cells if "," in cell and not _is_number(cell)]
    return any(_is_number(cell.replace(",", ".")) for cell in written)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
