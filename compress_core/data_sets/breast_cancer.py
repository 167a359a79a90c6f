"""Measures of cells in tissue samples, benign or malignant, out of the installed scikit-learn."""

import numpy as np
import torch

from compress_core.data import Data, PartName
from compress_core.data_sets.data_set import PARTS, DataSet, data_of, drawn, members

LABELS = ("malignant", "benign")


def load() -> Data:
    """Return 286 tissue samples to learn from, 113 to choose by and 170 to judge by."""
    # Imported here: scikit-learn takes a second that only few scenarios need.
    from sklearn.datasets import load_breast_cancer

    measures, classes = load_breast_cancer(return_X_y=True)
    y = torch.from_numpy(classes.astype(np.int64))
    chosen = _parts(y)
    taught = measures[chosen["train"].numpy()]
    return data_of(
        torch.from_numpy(measures.astype(np.float32)),
        y,
        chosen,
        LABELS,
        mean=tuple(taught.mean(0).tolist()),
        std=tuple(taught.std(0).tolist()),
    )


def _parts(y: torch.Tensor) -> dict[PartName, torch.Tensor]:
    """Draw each part with the same share of both classes."""
    of_part: dict[PartName, list[torch.Tensor]] = {name: [] for name in PARTS}
    for index in range(len(LABELS)):
        alike = torch.nonzero(y == index)[:, 0]
        count = len(alike)
        for name, own in drawn(count, validation=count // 5, test=count * 3 // 10).items():
            of_part[name].append(alike[own])
    whole = {name: torch.cat(own) for name, own in of_part.items()}
    return members(whole, torch.arange(len(y)))


BREAST_CANCER = DataSet(
    load=load,
    input_shape=(30,),
    title="Breast cancer",
    question="Benign or malignant?",
    licence="CC-BY-4.0",
)
