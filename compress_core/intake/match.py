"""Which class of the data is which label of the network."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compress_core.intake.choices import Question
from compress_core.intake.listing import is_index

LEFT_OUT = -2
"""Index of a class that is not read."""
_PLACEHOLDER = re.compile(r"(class|label|output)?[ _-]*\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """For each class of the data the index of its label, and the labels by index."""

    indexes: tuple[int, ...]
    labels: tuple[str, ...]
    note: str = ""
    question: Question | None = None


def match_classes(
    found: Sequence[str], labels: Sequence[str], chosen: Mapping[str, str]
) -> Matching:
    """
    Match by what was chosen, by name (case, spaces and _ aside), or by index where all are numbers.

    A class that is still without a label is asked for; its index is LEFT_OUT until then.
    """
    if not labels:
        return Matching(indexes=tuple(range(len(found))), labels=tuple(found))
    by_name = {_plain(label): index for index, label in enumerate(labels)}
    exact = {label: index for index, label in enumerate(labels)}
    indexes = [_chosen(name, chosen, exact) for name in found]
    open_names = [name for name, index in zip(found, indexes, strict=True) if index is None]
    note = ""
    if all(_plain(name) in by_name for name in open_names):
        how = {name: by_name[_plain(name)] for name in open_names}
    elif all(is_index(name) and int(name) < len(labels) for name in open_names):
        how = {name: int(name) for name in open_names}
        note = f"Classes are numbers; 0 is taken for the network’s first label, {labels[0]}."
    else:
        how = {n: by_name[_plain(n)] for n in open_names if _plain(n) in by_name}
    matched = tuple(
        index if index is not None else how.get(name, LEFT_OUT)
        for name, index in zip(found, indexes, strict=True)
    )
    unknown = tuple(name for name in open_names if name not in how)
    return Matching(
        indexes=matched,
        labels=_named(found, matched, labels),
        note=note,
        question=_question(unknown, found, labels) if unknown else None,
    )


def _chosen(name: str, chosen: Mapping[str, str], exact: Mapping[str, int]) -> int | None:
    if name not in chosen:
        return None
    return LEFT_OUT if not chosen[name] else exact.get(chosen[name])


def _question(unknown: tuple[str, ...], found: Sequence[str], labels: Sequence[str]) -> Question:
    shown = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
    # Trainers that read folders number the classes by the alphabet.
    guessed = len(found) == len(labels) and unknown == tuple(found)
    return Question(
        topic="classes",
        text=f"The network has no label called {shown}. Which of its labels is meant?",
        about=unknown,
        options=tuple(labels),
        proposed=tuple(labels) if guessed else (),
    )


def _named(found: Sequence[str], matched: Sequence[int], labels: Sequence[str]) -> tuple[str, ...]:
    """Return the network's labels; where they are numbers only, the names that the data give."""
    if not all(_PLACEHOLDER.fullmatch(label) for label in labels):
        return tuple(labels)
    names = dict(zip(matched, found, strict=True))
    return tuple(names.get(index, label) for index, label in enumerate(labels))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().casefold()
