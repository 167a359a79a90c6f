"""Exercises of the shoulder as a smart watch feels them: windows of recordings, by person."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress_core.data import Data, PartName
from compress_core.data_sets.data_set import ASSETS, PARTS, DataSet, data_of, drawn, shuffled

LENGTH = 128
"""Moments of a window, 50 of them a second."""
STEP: dict[PartName, int] = {"train": 32, "validation": LENGTH, "test": LENGTH}
"""
Moments from one window to the next: those to learn from overlap, and those that are counted do not,
so that no moment counts twice.
"""
LABELS = (
    "Pendulum",
    "Abduction",
    "Forward elevation",
    "Internal rotation",
    "External rotation",
    "Trapezius extension",
    "Upright row",
)


def load() -> Data:
    """Return some 4,000 windows to learn from, 400 to choose by and 400 to judge by."""
    x, y = zip(*(_windows(name) for name in PARTS), strict=True)
    ends = np.cumsum([0, *map(len, y)])
    chosen = {
        name: start + shuffled(len(own))
        for name, start, own in zip(PARTS, ends.tolist(), y, strict=False)
    }
    # Near the mean and deviation of the training part: thousandths of g, of a radian a second.
    mean = (0.0, 400.0, -150.0, 0.0, 0.0, 0.0)
    std = (930.0, 500.0, 590.0, 1050.0, 2650.0, 1020.0)
    return data_of(torch.cat(x), torch.cat(y), chosen, LABELS, mean, std)


def people() -> dict[PartName, tuple[int, ...]]:
    """Return who belongs to which part: six people to learn from, two and two to judge by."""
    numbers = np.unique(_stored()["person"])
    whole = drawn(len(numbers), validation=2, test=2)
    return {name: tuple(numbers[chosen].tolist()) for name, chosen in whole.items()}


def _windows(name: PartName) -> tuple[Tensor, Tensor]:
    """Return windows (N x sensors x moments, int16) of everybody in a part, and the exercises."""
    stored = _stored()
    recordings = np.split(stored["x"], np.cumsum(stored["length"])[:-1])
    own = np.flatnonzero(np.isin(stored["person"], people()[name]))
    cut = [torch.from_numpy(recordings[i]).unfold(0, LENGTH, STEP[name]) for i in own]
    counts = torch.tensor([len(windows) for windows in cut])
    exercises = torch.from_numpy(stored["y"][own].astype(np.int64))
    return torch.cat(cut), exercises.repeat_interleave(counts)


@cache
def _stored() -> dict[str, NDArray[np.int16]]:
    with np.load(ASSETS / "watch" / "watch.npz") as file:
        return dict(file)


WATCH = DataSet(
    load=load,
    input_shape=(6, LENGTH),
    title="Smart-watch exercises",
    question="Which exercise is this?",
    licence="BSD-3-Clause",
)
