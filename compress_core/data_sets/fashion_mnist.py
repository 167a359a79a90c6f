"""Fashion-MNIST: garments of 28 x 28 pixels, from the four files that it is published in."""

import gzip
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from compress_core.data import Data, Part, PartName
from compress_core.data_sets.data_set import ASSETS, DataSet, shuffled


def load() -> Data:
    """Return 55,000 garments to learn from, 5,000 to choose by and 10,000 to judge by."""
    folder = ASSETS / "fashion-mnist"
    x, y = (
        _read_idx(folder / f"train-{what}.gz")
        for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    test_x, test_y = (
        _read_idx(folder / f"t10k-{what}.gz") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    order = shuffled(len(y))

    def part(name: PartName, x: Tensor, y: Tensor) -> Part:
        # Mean and deviation of the training pixels.
        return Part(name=name, x=x[:, None], y=y.long(), mean=72.9, std=90.0)

    return Data(
        train=part("train", x[order[:55_000]], y[order[:55_000]]),
        validation=part("validation", x[order[55_000:]], y[order[55_000:]]),
        test=part("test", test_x, test_y),
        labels=(
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ),
    )  # fmt: skip


def _read_idx(path: Path) -> Tensor:
    """Read an IDX file of bytes: magic (two zeros, 0x08, number of axes), lengths, values."""
    raw = gzip.decompress(path.read_bytes())
    axes = raw[3]
    shape = np.frombuffer(raw, ">i4", axes, offset=4)
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)
    return torch.from_numpy(values.copy())


FASHION_MNIST = DataSet(
    load=load,
    input_shape=(1, 28, 28),
    title="Fashion-MNIST",
    question="Which garment is this?",
    licence="MIT",
)
