"""Telephone prompts in five languages: log-mel spectra of about a second, split by prompt."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress_core.data import Data, PartName
from compress_core.data_sets.data_set import ASSETS, DataSet, data_of, drawn, members

BANDS, COLUMNS = 32, 64
"""Of a spectrum: bands of pitch, and columns of 16 ms."""
LABELS = ("English", "Spanish", "French", "Italian", "Russian")


def load() -> Data:
    """Return some 2,900 spectra to learn from, 700 to choose by and 1,200 to judge by."""
    x, y = (torch.from_numpy(_stored()[key]) for key in ("x", "y"))
    # Near the mean and deviation of the training part.
    return data_of(x[:, None], y.long(), parts(), LABELS, mean=150.0, std=67.0)


def prompts() -> Tensor:
    """Return of which prompt each spectrum is a part; it has one number in all languages."""
    return torch.from_numpy(_stored()["prompt"].astype(np.int64))


def parts() -> dict[PartName, Tensor]:
    """Return which spectra belong to which part: what is said in one is said in no other."""
    numbers = prompts().unique()
    whole = drawn(len(numbers), validation=len(numbers) * 15 // 100, test=len(numbers) // 4)
    return members({part: numbers[chosen] for part, chosen in whole.items()}, prompts())


@cache
def _stored() -> dict[str, NDArray[np.generic]]:
    with np.load(ASSETS / "speech" / "speech.npz") as file:
        return dict(file)


SPEECH = DataSet(
    load=load,
    input_shape=(1, BANDS, COLUMNS),
    title="Telephone prompts",
    question="Which language is spoken?",
    licence="CC-BY-SA-3.0 and CC-BY-3.0",
)
