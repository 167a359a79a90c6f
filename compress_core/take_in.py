"""The last step of an intake: what was read is measured, described and hung into the wardrobe."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from compress_core.clinic import untouched
from compress_core.data import Data, Scale
from compress_core.evaluate import evaluate
from compress_core.garment import hang_up
from compress_core.intake.scaling import Scaling
from compress_core.network import Network
from compress_core.wardrobe import Record

MEASURED = 1_000
"""Test samples that the card's accuracy stands on, at most."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Samples:
    """A person's data, read: the parts, and the folder in which they lie as files."""

    file: str
    data: Data
    folder: Path


def take_in(
    network: Network,
    source: str,
    file_format: str,
    samples: Samples | None,
    scaling: Scaling | None = None,
    pictures: bytes = b"",
) -> str:
    """
    Keep a network with its data and return its name, `own/...`.

    *source* is the name of its file, *scaling* how its samples are normalised (as *samples* are, if
    None) and *pictures* a PNG of some samples. Raises IntakeError, OSError for a full disk.
    """
    mean, std = _scale(network, samples, scaling)
    labels = samples.data.labels if samples else network.labels
    network = replace(network, labels=labels, mean=mean, std=std)
    test = None
    if samples and samples.data.against == "labels" and len(samples.data.test):
        part = replace(samples.data.test, mean=mean, std=std)
        test = evaluate(network, part.head(MEASURED)).accuracy
    record = Record(
        title=network.name,
        source=source,
        format=file_format,
        data=samples.file if samples else "",
        created=time.time(),
        against=samples.data.against if samples else "nothing",
        samples=_counts(samples.data) if samples else (0, 0, 0),
        dtype=_dtype(samples.data) if samples else "",
        input_shape=network.input_shape,
        labels=labels,
        mean=mean,
        std=std,
        parameters=network.parameters,
        fp32_bytes=4 * sum(t.numel() for t in network.module.state_dict().values()),
        layers=tuple(layer.name for layer in network.layers),
        untouched=untouched(network),
        test=test,
    )
    parts = samples.folder if samples else None
    return hang_up(network, record, samples.data if samples else None, parts, pictures)


def _scale(
    network: Network, samples: Samples | None, scaling: Scaling | None
) -> tuple[Scale, Scale]:
    if scaling is not None:
        return scaling.mean, scaling.std
    if samples is not None:
        return samples.data.train.mean, samples.data.train.std
    return network.mean, network.std


def _counts(data: Data) -> tuple[int, int, int]:
    return len(data.train), len(data.validation), len(data.test)


def _dtype(data: Data) -> str:
    return str(data.train.x.dtype).removeprefix("torch.")
