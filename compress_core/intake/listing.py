"""The samples of a data set before they are read: what there is, and how to get at it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Question
from compress_core.intake.limits import MOST_CLASSES
from compress_core.refusal import IntakeError

Array = NDArray[np.generic]
Codes = NDArray[np.int32]
NONE = -1
"""Code of a sample without class, group or part."""
PARTS = ("train", "validation", "test")
PART_NAMES = {
    "train": 0, "training": 0,
    "val": 1, "valid": 1, "validation": 1, "dev": 1,
    "test": 2, "testing": 2,
}  # fmt: skip
"""How people call the three parts."""

Read = Callable[[NDArray[np.int64]], Iterator[tuple[int, Array | str]]]
"""Sample numbers, ascending -> (number, values in the wanted shape, or why it cannot be read)."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Listing:
    """What a data set says about itself; samples are numbered from 0 in its own order."""

    kind: str
    """pictures, sounds, table, arrays or text."""
    names: Callable[[int], str]
    """Number -> what a person calls the sample: a file name, row 17."""
    classes: Codes
    class_names: tuple[str, ...]
    parts: Codes
    """Index of PARTS as the data set itself says, or NONE."""
    groups: Codes | None = None
    grouped_by: str = ""
    dtype: str
    read: Read
    refused: dict[int, str] = field(default_factory=dict)
    """Samples whose class, group or part cannot be read, and why."""
    notes: tuple[str, ...] = ()
    """What was taken for granted, in sentences."""
    questions: tuple[Question, ...] = ()

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def labelled(self) -> bool:
        """Whether samples have classes."""
        return bool(self.class_names)


def encode(values: Sequence[str | None]) -> tuple[Codes, tuple[str, ...]]:
    """
    Return the code of each value and the values by code; None becomes NONE.

    Numbers are ordered as numbers, others by the alphabet.
    """
    found = {value for value in values if value is not None}
    if len(found) > MOST_CLASSES:
        raise IntakeError(
            f"There are {len(found):,} different classes; at most {MOST_CLASSES:,} can be read. "
            "Choose the column that holds the class."
        )
    names = ordered(found)
    code = {name: index for index, name in enumerate(names)}
    return np.array([NONE if v is None else code[v] for v in values], np.int32), names


def encode_groups(values: Sequence[str]) -> Codes:
    """Return a number for each value; equal values have equal numbers."""
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(value, len(codes)) for value in values], np.int32)


def ordered(names: set[str]) -> tuple[str, ...]:
    """Return names by number where all are whole numbers, else by the alphabet."""
    if all(is_index(name) for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def is_index(name: str) -> bool:
    """Tell whether a name is a whole number from 0 up, of at most nine digits."""
    return name.isascii() and name.isdigit() and len(name) < 10
