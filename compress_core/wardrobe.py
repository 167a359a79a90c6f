"""
What people brought themselves: a folder for each network, and its record. Knows no torch.

A network is called `own/<first 12 digits of the hash of all that decides about it>`, so that the
same file with the same data has the same name on every machine.
"""

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

from compress_core.measured import Measured

OWN = "own"
RECORD, PICTURES = "record.json", "pictures.png"
"""In the folder of a network; the second only where its samples can be seen."""
_NAME = re.compile(rf"{OWN}/[0-9a-f]{{12}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of a network that somebody brought, and of its data."""

    title: str
    source: str
    """Name of the file that it came from."""
    format: str
    data: str
    """Name of the file of its samples; "" without any."""
    created: float
    """Seconds since 1970."""
    against: Literal["labels", "original", "nothing"]
    """What its answers are compared with."""
    samples: tuple[int, int, int]
    """For training, validation and test."""
    dtype: str
    """Of the samples as they are stored; "" without any."""
    input_shape: tuple[int, ...]
    labels: tuple[str, ...]
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    parameters: int
    fp32_bytes: int
    layers: tuple[str, ...]
    """That can be compressed."""
    untouched: tuple[str, ...]
    """What compression leaves as it is."""
    test: Measured | None
    """Accuracy on the test part; None where there are no labels."""

    def to_json(self) -> str:
        """Return it as text; `from_json` gives back an equal value."""
        return json.dumps(asdict(self), allow_nan=False)

    @staticmethod
    def from_json(text: str) -> "Record":
        """Read what `to_json` wrote."""
        value: dict[str, Any] = json.loads(text)
        lists = {name: tuple(v) for name, v in value.items() if isinstance(v, list)}
        test = value["test"] and Measured(**value["test"])
        return Record(**{**value, **lists, "test": test})


def is_own(name: str) -> bool:
    """Tell whether a scenario is somebody's own, by its name alone."""
    return name.startswith(f"{OWN}/")


def wardrobe() -> Path:
    """Return the folder that holds them all: in FITTING_ROOM_HOME, or in the user's data."""
    home = os.environ.get("FITTING_ROOM_HOME")
    data = platformdirs.user_data_path("fitting-room", appauthor=False)
    return (Path(home) if home else data) / "wardrobe"


def place(name: str) -> Path:
    """Return the folder of a network, whether it is there or not; raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a network of one's own.")
    return wardrobe() / name.partition("/")[2]


def names() -> tuple[str, ...]:
    """Return the networks that are there, the oldest first."""
    found = [f"{OWN}/{path.parent.name}" for path in wardrobe().glob(f"*/{RECORD}")]
    present = [name for name in found if _NAME.fullmatch(name)]
    return tuple(sorted(present, key=lambda name: (record(name).created, name)))


def record(name: str) -> Record:
    """Return what is known of a network; raises ValueError when it is not here."""
    path = place(name) / RECORD
    if not path.is_file():
        raise ValueError(
            "This network was brought by somebody and is not on this machine, or was removed; "
            "bring its file again."
        )
    return Record.from_json(path.read_text(encoding="utf-8"))


def remove(name: str) -> None:
    """Delete a network and its data; nothing happens when it is not there."""
    shutil.rmtree(place(name), ignore_errors=True)
