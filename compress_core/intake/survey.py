"""What a person should see of a data set before it is used: counts, samples, faults, questions."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Choices, Question
from compress_core.intake.listing import NONE, Array, Codes, Listing
from compress_core.intake.match import LEFT_OUT, Matching, match_classes
from compress_core.intake.split import split
from compress_core.intake.wanted import Wanted
from compress_core.measured import proportion

CHECK_ALL = 2_000
"""Data sets of up to so many samples are read whole; of larger ones `CHECK_SOME`, evenly."""
CHECK_SOME = 200
SHOWN_OF_EACH, SHOWN = 2, 24
"""Samples to show of each class, and of all."""
_USES = ("training", "validation", "the test")
_SHOWN_BYTES = 8 << 20
LISTED = 1_000
"""Unreadable samples that are named; the others are counted."""
FEW_IN_CLASS = 10
UNSURE = 0.05
"""Half the width of an interval from which on it is said how little a figure will tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A sample that cannot be read, and why: "{name} cannot be read: {reason}."."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Preview:
    """A sample as the network will read it, before normalisation."""

    name: str
    label: str
    """As the data set calls it; "" without classes."""
    x: Array


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Survey:
    """What a data set holds, for a person to look at and decide."""

    kind: str
    samples: int
    counts: tuple[tuple[str, int], ...]
    """(class as the data set calls it, samples)."""
    sizes: tuple[int, int, int]
    """Samples for training, validation and test."""
    grouped_by: str
    """What keeps samples together in one part; "" where nothing does."""
    checked: int
    """Samples that were read for this survey."""
    broken: tuple[Broken, ...]
    """Those of them that cannot be read, at most `LISTED`."""
    broken_count: int
    preview: tuple[Preview, ...]
    notes: tuple[str, ...]
    """What was taken for granted."""
    few: tuple[str, ...]
    """What there are too few samples for."""
    questions: tuple[Question, ...]
    """What has to be answered before the data can be used."""

    @property
    def against(self) -> str:
        """What answers are compared with: labels, or the original where there are none."""
        return "labels" if self.counts else "original"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` gives back an equal value."""
        fields = {name: getattr(self, name) for name in Survey.__slots__}
        return {
            **fields,
            "broken": [asdict(broken) for broken in self.broken],
            "questions": [asdict(question) for question in self.questions],
            "preview": [
                {
                    "name": p.name,
                    "label": p.label,
                    "shape": p.x.shape,
                    "dtype": p.x.dtype.name,
                    "x": b64encode(p.x.tobytes()).decode(),
                }
                for p in self.preview
            ],
        }

    @staticmethod
    def from_dict(value: dict[str, Any]) -> "Survey":
        """Read what `to_dict` and JSON made of it."""
        return Survey(
            **{
                **value,
                "counts": tuple((name, count) for name, count in value["counts"]),
                "sizes": tuple(value["sizes"]),
                "broken": tuple(Broken(**broken) for broken in value["broken"]),
                "questions": tuple(map(Question.from_dict, value["questions"])),
                "notes": tuple(value["notes"]),
                "few": tuple(value["few"]),
                "preview": tuple(map(_preview_from_dict, value["preview"])),
            }
        )


def _preview_from_dict(value: dict[str, Any]) -> Preview:
    x = np.frombuffer(b64decode(value["x"]), np.dtype(value["dtype"]))
    return Preview(name=value["name"], label=value["label"], x=x.reshape(value["shape"]))


def matched(listing: Listing, wanted: Wanted, choices: Choices) -> Matching:
    """Return which class of a listing is which label of the network."""
    return match_classes(listing.class_names, wanted.labels, dict(choices.classes))


def taken(listing: Listing, matching: Matching) -> NDArray[np.int64]:
    """Return the samples that are to be read: not refused, and of a class that is not left out."""
    keep = np.ones(len(listing), bool)
    keep[list(listing.refused)] = False
    if listing.labelled:
        indexes = np.array([*matching.indexes, NONE])
        keep &= indexes[listing.classes] != LEFT_OUT
    return np.flatnonzero(keep)


def parts_of(listing: Listing, chosen: NDArray[np.int64], seed: int) -> Codes:
    """Return the part of each chosen sample."""
    groups = None if listing.groups is None else listing.groups[chosen]
    return split(listing.classes[chosen], groups, listing.parts[chosen], seed)


def survey_listing(listing: Listing, wanted: Wanted, choices: Choices, seed: int) -> Survey:
    """Read as many samples as it takes to see whether a data set is sound."""
    matching = matched(listing, wanted, choices)
    questions = [*listing.questions, *([matching.question] if matching.question else [])]
    # A class without an answer yet counts as read: what is shown is what there is.
    keep = np.setdiff1d(np.arange(len(listing)), list(listing.refused))
    parts = parts_of(listing, keep, seed)
    found = [Broken(name=listing.names(i), reason=r) for i, r in sorted(listing.refused.items())]
    broken_count = len(found)
    preview: list[Preview] = []
    checked = _checked(keep)
    if not listing.questions:
        broken, preview = _look(listing, checked)
        found, broken_count = found + broken, broken_count + len(broken)
    counts = [int((listing.classes[keep] == i).sum()) for i in range(len(listing.class_names))]
    sizes = np.bincount(parts, minlength=3)[:3]
    return Survey(
        kind=listing.kind,
        samples=len(listing),
        counts=tuple(zip(listing.class_names, counts, strict=True)),
        sizes=(int(sizes[0]), int(sizes[1]), int(sizes[2])),
        grouped_by=listing.grouped_by,
        checked=len(checked),
        broken=tuple(found[:LISTED]),
        broken_count=broken_count,
        preview=tuple(preview),
        notes=(*listing.notes, *([matching.note] if matching.note else [])),
        few=tuple(too_few(dict(zip(listing.class_names, counts, strict=True)), tuple(sizes))),
        questions=tuple(questions),
    )


def too_few(counts: Mapping[str, int], sizes: tuple[int, ...]) -> list[str]:
    """Return what so many samples of each class, and in each part, cannot tell."""
    said = [
        f"There are no samples for {what}." for what, n in zip(_USES, sizes, strict=True) if not n
    ]
    small = [name for name, count in counts.items() if 0 < count < FEW_IN_CLASS]
    if small:
        shown = ", ".join(small[:5]) + (", …" if len(small) > 5 else "")
        said.append(
            f"Fewer than {FEW_IN_CLASS} samples of {shown}: what is said of single classes is "
            "a guess, and below 3 they are not in every part."
        )
    if test := int(sizes[2]):
        worst = proportion(test // 2, test)
        half = (worst.high - worst.low) / 2
        if half > UNSURE:
            said.append(
                f"With {test:,} test samples a share of right answers is known to about "
                f"±{half * 100:.0f} points."
            )
    return said


def _checked(keep: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(keep) <= CHECK_ALL:
        return keep
    return keep[np.linspace(0, len(keep) - 1, CHECK_SOME).astype(np.int64)]


def _look(listing: Listing, checked: NDArray[np.int64]) -> tuple[list[Broken], list[Preview]]:
    broken: list[Broken] = []
    preview: list[Preview] = []
    seen: dict[int, int] = {}
    for number, values in listing.read(checked):
        code = int(listing.classes[number])
        if isinstance(values, str):
            broken.append(Broken(name=listing.names(number), reason=values))
            continue
        room = min(SHOWN, _SHOWN_BYTES // max(1, values.nbytes))
        most = SHOWN_OF_EACH if listing.labelled else SHOWN
        if seen.get(code, 0) < most and len(preview) < room:
            seen[code] = seen.get(code, 0) + 1
            label = listing.class_names[code] if listing.labelled else ""
            preview.append(Preview(name=listing.names(number), label=label, x=values))
    return broken, preview
