"""What a person may decide about a data set, and what is asked where nothing can be inferred."""

from dataclasses import dataclass
from typing import Any, Literal

Fit = Literal["crop", "pad", "stretch"]
"""How a picture of another shape becomes the network's: cut, filled up or distorted."""
Topic = Literal["label", "group", "sample", "classes", "vocabulary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Everything that can be decided; None means: infer it, or ask."""

    label: str | None = None
    """Column or array that holds the class; "" where there is none."""
    group: str | None = None
    """Column or array whose equal values stay in one part, or one of GROUPINGS; "" for none."""
    sample: str | None = None
    """Column or array that holds what the network reads: paths, text, pictures, values."""
    classes: tuple[tuple[str, str], ...] = ()
    """(name in the data, label of the network); the label "" leaves the class out."""
    fit: Fit = "crop"
    background: Literal["white", "black"] = "white"
    """What shows through transparent pixels, and what pads."""
    rate: int | None = None
    """Samples a second that the network was trained with, where sounds are read."""
    vocabulary: tuple[str, ...] = ()
    """The word of every token number, where texts are read."""

    @staticmethod
    def from_dict(value: dict[str, Any]) -> "Choices":
        """Read what `dataclasses.asdict` and JSON made of it."""
        pairs = tuple((str(a), str(b)) for a, b in value.get("classes", ()))
        words = tuple(value.get("vocabulary", ()))
        return Choices(**{**value, "classes": pairs, "vocabulary": words})


GROUPINGS = ("folder", "prefix")
"""By the folder below the class, or by the file name up to its first _ or -."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that only a person knows; *topic* names the field of `Choices` that answers it."""

    topic: Topic
    text: str
    about: tuple[str, ...] = ()
    """What it is asked of: the classes without a label."""
    options: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    """The likely answer, for each of *about* or the one; empty where nothing is likely."""

    @staticmethod
    def from_dict(value: dict[str, Any]) -> "Question":
        """Read what `dataclasses.asdict` and JSON made of it."""
        lists = {name: tuple(value[name]) for name in ("about", "options", "proposed")}
        return Question(**{**value, **lists})
