"""Labelled samples in three parts that never mix: train, validation and test."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

PartName = Literal["train", "validation", "test", "random"]
Against = Literal["labels", "original", "nothing"]
"""What answers are compared with: known classes, or what the uncompressed network answers."""
Scale = float | tuple[float, ...]
"""One number for all values, or one for each channel (the first axis of a sample)."""
BATCH_VALUES = 16 * 3 * 224 * 224
"""Numbers that a batch holds at most: sixteen photographs as large networks read them."""
FEW_VALUES = BATCH_VALUES // 2
"""
Numbers that ranges and statistics are taken from: eight photographs.

Twice as many make EfficientNet-Lite0 at 8 bits no better.
"""
PIECE_VALUES = BATCH_VALUES // 8
"""The same where samples are looked at one by one: what a processor's caches and memory like."""
TOKENS = (torch.int32, torch.int64)
"""Dtypes of samples that are numbers of words, which nothing is taken off or divided by."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Part:
    """
    Samples of one part: *x* is N x (sample shape), *y* holds N class indexes (int64).

    *x* stays in its stored dtype (uint8 for pictures) and may be mapped from a file; `batches`
    gives (x - mean) / std in float32, or token numbers as they are in int64.
    """

    name: PartName
    x: Tensor
    y: Tensor
    mean: Scale = 0.0
    std: Scale = 1.0
    against: Against = "labels"
    """
    Whether *y* is what is true, or what the original answers where nobody labelled; nothing where
    nobody gave samples.
    """

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        return f"Part({self.name}, {len(self):,} samples)"

    def head(self, count: int) -> "Part":
        """Return the first *count* samples (parts are stored shuffled, so this is a fair draw)."""
        return replace(self, x=self.x[:count], y=self.y[:count])

    def few(self, count: int) -> "Part":
        """Return the first *count* samples, or fewer large ones: enough for ranges and means."""
        return self.head(min(count, self._fitting(FEW_VALUES)))

    def batch_size(self, size: int) -> int:
        """Return how many samples `batches` gives at a time: *size*, or fewer large ones."""
        return min(size, self._fitting(BATCH_VALUES))

    def _fitting(self, values: int) -> int:
        return max(1, values // self.x.shape[1:].numel())

    def inputs(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Return samples start..stop as the network wants them (float32, normalised)."""
        return self._normalise(self.x[start:stop])

    def batches(
        self, size: int, generator: torch.Generator | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """
        Yield (inputs, classes) of *size* samples; in random order when given a generator.

        Fewer at a time where samples are so large that a batch would take gigabytes.
        """
        size = self.batch_size(size)
        if generator is None:
            for start in range(0, len(self), size):
                yield self.inputs(start, start + size), self.y[start : start + size]
            return
        for chosen in torch.randperm(len(self), generator=generator).split(size):
            yield self._normalise(self.x[chosen]), self.y[chosen]

    def pieces(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples in order like `batches`, for whom a batch means nothing but speed."""
        size = min(size, self._fitting(PIECE_VALUES))
        for start in range(0, len(self), size):
            yield self.inputs(start, start + size), self.y[start : start + size]

    def stand_in(self, count: int) -> "Part":
        """Return *count* random samples, where there are none: enough to compare two networks."""
        generator = torch.Generator().manual_seed(0)
        shape = (count, *self.x.shape[1:])
        # Normal after normalisation; a network that reads words has no such stand-in but zeros.
        x = torch.zeros(shape, dtype=self.x.dtype)
        if self.x.dtype not in TOKENS:
            x = torch.randn(shape, generator=generator) * self._scale(self.std)
            x = x + self._scale(self.mean)
        y = torch.zeros(count, dtype=torch.int64)
        return replace(self, name="random", x=x, y=y)

    def _normalise(self, raw: Tensor) -> Tensor:
        if raw.dtype in TOKENS:
            return raw.to(torch.int64)
        return (raw.to(torch.float32) - self._scale(self.mean)) / self._scale(self.std)

    def _scale(self, value: Scale) -> Tensor | float:
        if isinstance(value, tuple):
            return torch.tensor(value).reshape(-1, *[1] * (self.x.dim() - 2))
        return value


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Data:
    """The three parts and the names of the classes."""

    train: Part
    validation: Part
    test: Part
    labels: tuple[str, ...]

    @property
    def against(self) -> Against:
        """What the answers of a network are compared with."""
        return self.train.against

    def head(self, train: int, validation: int) -> "Data":
        """Return the same data with shorter train and validation parts, for a quick look."""
        return replace(
            self, train=self.train.head(train), validation=self.validation.head(validation)
        )


def mapped(file: Path, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return a tensor whose values stay in *file* until they are looked at."""
    size = torch.Size(shape).numel()
    if not size:
        return torch.empty(shape, dtype=dtype)
    # Not shared: whoever writes into the tensor would write into a page of its own.
    return torch.from_file(str(file), shared=False, size=size, dtype=dtype).reshape(shape)
