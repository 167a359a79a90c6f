"""What a built-in data set is, and how its samples are drawn into parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from compress_core.data import Data, Part, PartName, Scale

ASSETS = Path(__file__).resolve().parent.parent.parent / "assets"
SPLIT_SEED = 20
"""Draws the parts. Never change it: networks would be judged on what they were taught."""
PARTS: tuple[PartName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Where the samples of some scenarios come from and what they show."""

    load: Callable[[], Data]
    input_shape: tuple[int, ...]
    title: str
    question: str
    """The task as a person would ask it."""
    licence: str


def shuffled(count: int) -> Tensor:
    """Return 0 .. count - 1 in the random order that every split of a data set is taken from."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(SPLIT_SEED))


def drawn(count: int, *, validation: int, test: int) -> dict[PartName, Tensor]:
    """Draw which of *count* things belong to which part."""
    order = shuffled(count)
    taught = count - validation - test
    return {
        "train": order[:taught],
        "validation": order[taught : taught + validation],
        "test": order[taught + validation :],
    }


def members(groups: Mapping[PartName, Tensor], group: Tensor) -> dict[PartName, Tensor]:
    """Return the samples of each part in random order, where whole groups belong to parts."""
    order = shuffled(len(group))
    return {name: order[torch.isin(group[order], whole)] for name, whole in groups.items()}


def data_of(
    x: Tensor,
    y: Tensor,
    chosen: Mapping[PartName, Tensor],
    labels: tuple[str, ...],
    mean: Scale = 0.0,
    std: Scale = 1.0,
) -> Data:
    """Return samples in their three parts: *chosen* holds the indexes of each."""
    train, validation, test = (
        Part(name=name, x=x[chosen[name]], y=y[chosen[name]], mean=mean, std=std) for name in PARTS
    )
    return Data(train=train, validation=validation, test=test, labels=labels)
