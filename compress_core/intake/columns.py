"""What the columns of a table are: class, group, part and what the network reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from compress_core.intake.choices import Choices, Question
from compress_core.intake.listing import PART_NAMES
from compress_core.intake.wanted import Wanted, shown
from compress_core.refusal import IntakeError

ColumnKind = Literal["number", "text", "bytes", "values"]
SampleKind = Literal["features", "paths", "pictures", "values", "text"]
_LABELS = (
    "label", "class", "target", "y", "category", "classname", "species", "diagnosis", "sentiment",
)  # fmt: skip
_GROUPS = (
    "group", "subject", "person", "patient", "speaker", "user", "participant", "session", "writer",
)  # fmt: skip
_PARTS = ("split", "set", "subset", "partition", "fold")
KNOWN = frozenset((*_LABELS, *_GROUPS, *_PARTS))
"""Names that say what a column is."""
_NUMBERS_OF_ROWS = ("", "id", "index", "row", "unnamed: 0", "__index_level_0__")
_SAME_PATH = 0.5
"""Share of a column's values that must name files for it to be a column of paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as its first rows show it; *values* are texts where *kind* is text or number."""

    name: str
    kind: ColumnKind
    values: tuple[Any, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Table:
    """Rows from a file; `rows` yields the chosen columns of each, or why a row cannot be read."""

    columns: tuple[Column, ...]
    rows: Callable[[Sequence[int]], Iterator[Sequence[Any] | str]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Indexes of the columns: of class, group and part (None: there is none), and of samples."""

    label: int | None
    group: int | None
    part: int | None
    kind: SampleKind
    samples: tuple[int, ...]
    notes: tuple[str, ...]
    questions: tuple[Question, ...]


def assign(
    columns: Sequence[Column], wanted: Wanted, choices: Choices, files: Mapping[str, Any]
) -> Roles:
    """
    Decide what each column is, from its name and first values, and from what was chosen.

    *files* are those that a column of paths may name. Raises IntakeError where the columns do not
    give what the network reads.
    """
    left = dict(enumerate(columns))
    part = _take(left, lambda c: plain(c.name) in _PARTS and _is_part(c))
    group = _chosen_or(left, choices.group, lambda c: plain(c.name) in _GROUPS)
    label = _chosen_or(left, choices.label, lambda c: plain(c.name) in _LABELS)
    kind, samples = _samples(left, wanted, choices, files)
    questions: tuple[Question, ...] = ()
    if label is None and choices.label is None:
        label, questions = _guess_label(left, wanted, kind)
    notes = [f"Column {columns[group].name!r} says which rows stay together."] if group else []
    if kind == "features":
        samples, unread = _features(left, wanted, bool(questions))
    else:
        unread = [column.name for column in left.values()]
    if unread:
        notes.append(f"Not read: column {', '.join(map(repr, unread[:5]))}.")
    return Roles(
        label=label,
        group=group,
        part=part,
        kind=kind,
        samples=samples,
        notes=tuple(notes),
        questions=questions,
    )


def _take(left: dict[int, Column], fits: Callable[[Column], bool]) -> int | None:
    index = next((i for i, column in left.items() if fits(column)), None)
    if index is not None:
        del left[index]
    return index


def _chosen_or(
    left: dict[int, Column], chosen: str | None, fits: Callable[[Column], bool]
) -> int | None:
    if chosen == "":
        return None
    if chosen is None:
        return _take(left, fits)
    names = [column.name for column in left.values()]
    if chosen not in names:
        raise IntakeError(f"There is no column {chosen!r}; there are {', '.join(names[:20])}.")
    return _take(left, lambda column: column.name == chosen)


def _samples(
    left: dict[int, Column], wanted: Wanted, choices: Choices, files: Mapping[str, Any]
) -> tuple[SampleKind, tuple[int, ...]]:
    tests: tuple[tuple[SampleKind, Callable[[Column], bool]], ...] = (
        ("paths", lambda c: _names_files(c, files)),
        ("pictures", lambda c: c.kind == "bytes"),
        ("values", lambda c: c.kind == "values"),
        ("text", lambda c: wanted.tokens is not None and c.kind == "text"),
    )
    named = [i for i, column in left.items() if column.name == choices.sample]
    if choices.sample and not named:
        raise IntakeError(f"There is no column {choices.sample!r} to read samples from.")
    for kind, fits in tests:
        found = [i for i in named or left if fits(left[i])]
        if found:
            # Of several texts the longest is the one to judge.
            index = max(found, key=lambda i: _length(left[i]))
            del left[index]
            return kind, (index,)
    return "features", ()


def _guess_label(
    left: dict[int, Column], wanted: Wanted, kind: SampleKind
) -> tuple[int | None, tuple[Question, ...]]:
    """Return the only column that can be the class, or ask which it is."""
    texts = [i for i, column in left.items() if column.kind == "text"]
    numbers = [i for i, column in left.items() if column.kind == "number"]
    if kind == "features" and not texts and len(numbers) == wanted.size:
        return None, ()
    candidates = texts or (numbers if kind != "features" else [])
    if len(candidates) == 1:
        del left[candidates[0]]
        return candidates[0], ()
    if not left:
        return None, ()
    options = tuple(left[i].name for i in candidates or left)
    return None, (
        Question(
            topic="label",
            text="Which column holds the class?",
            options=options[:1000],
            proposed=options[-1:] if not texts and len(numbers) == wanted.size + 1 else (),
        ),
    )


def _features(
    left: dict[int, Column], wanted: Wanted, asking: bool
) -> tuple[tuple[int, ...], list[str]]:
    """Return the columns of numbers that the network reads, and the names of all others."""
    numbers = [i for i, column in left.items() if column.kind == "number"]
    if len(numbers) == wanted.size + 1:
        numbers = [i for i in numbers if plain(left[i].name) not in _NUMBERS_OF_ROWS]
    if len(numbers) != wanted.size and not asking:
        raise IntakeError(
            f"The network reads {wanted.size:,} numbers for each sample"
            f"{f' ({shown(wanted.shape)})' if len(wanted.shape) > 1 else ''}; the table has "
            f"{len(numbers):,} columns of numbers beside the class. Remove or add columns, in the "
            "order that the network was trained with."
        )
    return tuple(numbers), [column.name for i, column in left.items() if i not in set(numbers)]


def plain(name: str) -> str:
    """Return a column's name without case and without the _id that people add."""
    return name.strip().lower().removesuffix("_id").removesuffix(" id")


def _is_part(column: Column) -> bool:
    return bool(column.values) and all(str(v).strip().lower() in PART_NAMES for v in column.values)


def _names_files(column: Column, files: Mapping[str, Any]) -> bool:
    if column.kind != "text" or not files or not column.values:
        return False
    hits = sum(path_key(str(value)) in files for value in column.values)
    return hits > _SAME_PATH * len(column.values)


def path_key(path: str) -> str:
    """Return a path as a table may write it, as entries are named."""
    return path.strip().replace("\\", "/").removeprefix("./")


def _length(column: Column) -> float:
    return sum(len(str(value)) for value in column.values) / max(1, len(column.values))
