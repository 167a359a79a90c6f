"""How stored values become what a network was trained with: the usual ways, and which fits best."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from compress_core.data import Data, Part, Scale
from compress_core.measured import Measured, proportion
from compress_core.network import Network

SCORED = 512
"""Training samples that a way is judged by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """(value - mean) / std, in stored units: 0..255 for pictures."""

    mean: Scale = 0.0
    std: Scale = 1.0


AS_STORED = Scaling()
PICTURES: Mapping[str, Scaling] = {
    "0 to 1": Scaling(std=255.0),
    "-1 to 1": Scaling(mean=127.5, std=127.5),
    "0 to 255": AS_STORED,
    "ImageNet": Scaling(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)),
    "EfficientNet-Lite": Scaling(mean=127.0, std=128.0),
}
"""Of 8-bit pictures. ImageNet: mean and deviation of its training pixels, as torchvision has it."""


def usual_scaling(dtype: str) -> Scaling:
    """Return what is most common for a stored dtype: 0..1 for bytes, -1..1 for sound."""
    return {"uint8": PICTURES["0 to 1"], "int16": Scaling(std=32_768.0)}.get(dtype, AS_STORED)


def scaled(data: Data, scaling: Scaling) -> Data:
    """Return the same samples, normalised in another way (labels of nobody stay as they are)."""

    def part(known: Part) -> Part:
        return replace(known, mean=scaling.mean, std=scaling.std)

    return replace(
        data, train=part(data.train), validation=part(data.validation), test=part(data.test)
    )


def own_scaling(data: Data) -> Scaling:
    """Return the mean and deviation of each channel over the first training samples."""
    x = data.train.x[:SCORED].float().transpose(0, 1).flatten(1)
    std = [value or 1.0 for value in x.std(1).tolist()]
    return Scaling(mean=tuple(x.mean(1).tolist()), std=tuple(std))


def score_scalings(network: Network, data: Data) -> dict[str, Measured]:
    """
    Return the share of right answers to training samples for each way to normalise them.

    Best first. Only for labelled data: without labels every way agrees with itself. Raises
    ValueError for data without labels or training samples.
    """
    if data.against != "labels" or not len(data.train):
        raise ValueError("How samples are normalised can only be judged by labelled ones.")
    channels = data.train.x.shape[1]
    ways = {**PICTURES, "as stored": AS_STORED, "own mean and deviation": own_scaling(data)}
    if data.train.x.dtype == torch.uint8:
        del ways["as stored"]
    else:
        ways = {name: ways[name] for name in ("as stored", "own mean and deviation")}
    found = {}
    for name, way in ways.items():
        if not isinstance(way.mean, tuple) or len(way.mean) == channels:
            part = scaled(data, way).train.head(SCORED)
            with torch.inference_mode():
                right = sum(
                    int((network.module(x).argmax(1) == y).sum()) for x, y in part.batches(64)
                )
            found[name] = proportion(right, len(part))
    return dict(sorted(found.items(), key=lambda item: -item[1].value))
