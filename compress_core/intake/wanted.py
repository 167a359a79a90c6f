"""What a network reads, in the few facts that the reading of data depends on."""

from dataclasses import dataclass
from math import prod
from typing import Any

from compress_core.intake.limits import MOST_VALUES
from compress_core.refusal import IntakeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Shape of one sample, the number of tokens where the network reads words, its labels."""

    shape: tuple[int, ...]
    tokens: int | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(isinstance(n, int) and n > 0 for n in self.shape) or self.size > MOST_VALUES:
            raise IntakeError(
                f"A sample of shape {shown(self.shape)} cannot be read; every axis needs at least "
                f"one value, and all together at most {MOST_VALUES:,}."
            )

    @property
    def size(self) -> int:
        """Values of one sample."""
        return prod(self.shape)

    @property
    def picture(self) -> bool:
        """Whether a sample can be a picture: channels x height x width."""
        return len(self.shape) == 3 and self.shape[0] in (1, 3, 4)

    @property
    def wave(self) -> bool:
        """Whether a sample can be a sound as it was recorded: samples, or 1 x samples."""
        return len(self.shape) == 1 or (len(self.shape) == 2 and self.shape[0] == 1)

    @property
    def spectrum(self) -> tuple[int, int] | None:
        """Bands and columns, where a sample can be a picture of sound."""
        if len(self.shape) == 2 and self.shape[0] > 1:
            return self.shape[0], self.shape[1]
        if len(self.shape) == 3 and self.shape[0] == 1:
            return self.shape[1], self.shape[2]
        return None

    @staticmethod
    def from_dict(value: dict[str, Any]) -> "Wanted":
        """Read what `dataclasses.asdict` and JSON made of it."""
        return Wanted(
            shape=tuple(value["shape"]), tokens=value["tokens"], labels=tuple(value["labels"])
        )


def shown(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it: 3 × 224 × 224."""
    return " × ".join(f"{n:,}" for n in shape)
