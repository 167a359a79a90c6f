"""
What can be said of all networks before any is loaded: size, record, first pictures.

Knows no torch, so that a page of cards is painted at once.
"""

import gzip
import json
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from compress_core import wardrobe
from compress_core.measured import UNMEASURED, Measured

ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUFFERS = ("running_mean", "running_var")
"""Stored as float32 with the weights, but not trained."""

GAP = 24
"""Pixels between two pictures of a strip."""

Picture = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trained network as its files describe it."""

    name: str
    seed: int
    parameters: int
    fp32_bytes: int
    test: Measured
    """Accuracy on the test part, measured when training had ended or when it was brought."""


def seeds(name: str) -> tuple[int, ...]:
    """Return the seeds for which record and weights of a scenario are there."""
    if wardrobe.is_own(name):
        return (0,)
    records = (ASSETS / name).glob("seed-*.json")
    return tuple(
        sorted(
            int(path.stem.removeprefix("seed-"))
            for path in records
            if path.with_suffix(".safetensors").is_file()
        )
    )


def layers(name: str, seed: int) -> tuple[str, ...]:
    """Return the layers whose weights can be compressed: those that are matrices at least."""
    if wardrobe.is_own(name):
        return wardrobe.record(name).layers
    shapes = _float_shapes(ASSETS / name / f"seed-{seed}.safetensors")
    return tuple(
        tensor.removesuffix(".weight")
        for tensor, shape in shapes.items()
        if tensor.endswith(".weight") and len(shape) > 1
    )


def names() -> tuple[str, ...]:
    """
    Return the scenarios that have weights, small networks first within each data set.

    What people brought comes last, in the order in which it came.
    """
    folders = {path.parent for path in ASSETS.glob("*/*/seed-*.safetensors")}
    found = [f"{folder.parent.name}/{folder.name}" for folder in folders]
    present = [name for name in found if seeds(name)]
    built_in = sorted(present, key=lambda n: (n.split("/")[0], _work_order(n), n))
    return (*built_in, *wardrobe.names())


def entry(name: str, seed: int) -> Entry:
    """Describe one trained network; raises ValueError when there is none."""
    if wardrobe.is_own(name):
        own = wardrobe.record(name)
        return Entry(
            name=name,
            seed=seed,
            parameters=own.parameters,
            fp32_bytes=own.fp32_bytes,
            test=own.test or UNMEASURED,
        )
    if seed not in seeds(name):
        raise ValueError(f"{name} has no weights for seed {seed}; there are {seeds(name)}.")
    weights = ASSETS / name / f"seed-{seed}.safetensors"
    record = json.loads(weights.with_suffix(".json").read_text())
    shapes = _float_shapes(weights)
    trained = [shape for tensor, shape in shapes.items() if not tensor.endswith(BUFFERS)]
    return Entry(
        name=name,
        seed=seed,
        parameters=sum(prod(shape) for shape in trained),
        fp32_bytes=4 * sum(prod(shape) for shape in shapes.values()),
        test=Measured(**record["test"]),
    )


def pictures(data_set: str, start: int = 0, count: int = 3) -> list[Picture]:
    """Return pictures from number *start* on, out of the data set's own files; 0 is empty."""
    return _PICTURES[data_set](start + count)[start:]


def _garments(count: int) -> list[Picture]:
    # IDX: 16 bytes of header, then 28 x 28 bytes a picture.
    with gzip.open(ASSETS / "fashion-mnist" / "t10k-images-idx3-ubyte.gz") as file:
        raw = file.read(16 + count * 784)
    return list(np.frombuffer(raw, np.uint8, offset=16).reshape(count, 28, 28))


def _digits(count: int) -> list[Picture]:
    # Read from scikit-learn's file: importing the package would take a second.
    spec = find_spec("sklearn")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = [next(file).split(",")[:64] for _ in range(count)]
    levels = np.array(rows, dtype=float)
    return list((levels / 16 * 255).astype(np.uint8).reshape(count, 8, 8))


def strip(pictures: list[Picture], pixels: int) -> Picture:
    """
    Lay *pictures* side by side on transparent ground: height x width x RGBA, dark ink on white.

    Every sample becomes a square of at least *pixels*, each of its points a square as well.
    """
    factor = -(-pixels // pictures[0].shape[0])
    tiles = []
    for picture in pictures:
        grey = np.kron(255 - picture, np.ones((factor, factor), np.uint8))
        opaque = np.full_like(grey, 255)
        tiles += [np.dstack([grey, grey, grey, opaque]), np.zeros((len(grey), GAP, 4), np.uint8)]
    return np.hstack(tiles[:-1])


_PICTURES = {"digits": _digits, "fashion-mnist": _garments}


def _work_order(name: str) -> int:
    """Fully connected networks, then convolutional ones, deeper ones last."""
    order = ("simple-nn", "lenet-300-100", "lenet-5", "vgg-small", "resnet-20")
    architecture = name.split("/")[1]
    return order.index(architecture) if architecture in order else len(order)


def _float_shapes(path: Path) -> dict[str, list[int]]:
    """Read tensor names and shapes from the header of a safetensors file."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {
        name: tensor["shape"]
        for name, tensor in header.items()
        if name != "__metadata__" and tensor["dtype"] == "F32"
    }
