"""Photographs that nobody labelled: what the original answers stands for labels."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from compress_core.data import Data, Part
from compress_core.data_sets.data_set import ASSETS, PARTS, DataSet, shuffled

MEAN, STD = 127.0, 128.0
"""What the network's authors take off a pixel and divide by."""


def load() -> Data:
    """
    Return pictures in three parts that share no photograph.

    `photos.npz` holds the WebP files one after another (*files*, *ends*), the *part* of each, and
    *y*, what the network in float32 answers.
    """
    with np.load(ASSETS / "photos" / "photos.npz") as stored:
        ends, part = stored["ends"], torch.from_numpy(stored["part"])
        x = pictures([bytes(f) for f in np.split(stored["files"], ends[:-1])])
        y = torch.from_numpy(stored["y"]).long()
    order = shuffled(len(y))

    def part_of(number: int) -> Part:
        chosen = order[part[order] == number]
        return Part(
            name=PARTS[number], x=x[chosen], y=y[chosen], mean=MEAN, std=STD, against="original"
        )

    train, validation, test = map(part_of, range(len(PARTS)))
    return Data(train=train, validation=validation, test=test, labels=classes())


def pictures(files: Sequence[bytes]) -> Tensor:
    """Return decoded pictures: N x 3 x side x side, uint8."""
    decoded = [np.asarray(Image.open(BytesIO(file)).convert("RGB")) for file in files]
    return torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).contiguous()


def classes() -> tuple[str, ...]:
    """Return the names of the thousand classes of ImageNet, in the order of their numbers."""
    return tuple((ASSETS / "photos" / "classes.txt").read_text(encoding="utf-8").splitlines())


PHOTOS = DataSet(
    load=load,
    input_shape=(3, 224, 224),
    title="Photos",
    question="What is in this photo?",
    licence="GPL-2.0, CC BY-SA 4.0 and others",
)
