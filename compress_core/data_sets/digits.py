"""Handwritten digits of 8 x 8 pixels, read from the installed scikit-learn."""

import numpy as np
import torch

from compress_core.data import Data
from compress_core.data_sets.data_set import DataSet, data_of, drawn


def load() -> Data:
    """Return 1,077 digits to learn from, 360 to choose by and 360 to judge by."""
    # Imported here: scikit-learn takes a second that only few scenarios need.
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    x = torch.from_numpy(pixels.astype(np.uint8)).reshape(-1, 1, 8, 8)
    y = torch.from_numpy(classes.astype(np.int64))
    chosen = drawn(len(y), validation=360, test=360)
    return data_of(x, y, chosen, tuple(str(i) for i in range(10)), mean=4.9, std=6.0)


DIGITS = DataSet(
    load=load,
    input_shape=(1, 8, 8),
    title="Handwritten digits",
    question="Which digit is this?",
    licence="BSD-3-Clause",
)
