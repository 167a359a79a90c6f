"""Built-in scenarios: a trained network and the real data it was trained on, from `assets/`."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from compress_core.data import Data, Part, PartName
from compress_core.garment import load_own, load_own_data
from compress_core.network import Network, from_module
from compress_core.wardrobe import is_own, place
from compress_core.wardrobe import record as own_record
from compress_core.zoo import build

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SPLIT_SEED = 20
"""Draws the validation part. Never change it: networks would be judged on what they were taught."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scenario:
    """A trained network, the data it answers for and the record of its training, if known."""

    name: str
    network: Network
    data: Data
    record: dict[str, Any]

    def __repr__(self) -> str:
        return f"Scenario({self.name}, {self.network}, {len(self.data.test):,} test samples)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Where the samples of some scenarios come from and what they show."""

    load: Callable[[], Data]
    input_shape: tuple[int, ...]
    title: str
    question: str
    """The task as a person would ask it."""
    licence: str


def list_scenarios() -> tuple[str, ...]:
    """Return the names of all built-in scenarios, `<data set>/<architecture>`, small nets first."""
    return (
        "digits/simple-nn",
        "fashion-mnist/lenet-300-100",
        "fashion-mnist/lenet-5",
        "fashion-mnist/vgg-small",
        "fashion-mnist/resnet-20",
    )


def list_seeds(name: str) -> tuple[int, ...]:
    """Return the seeds for which trained weights of a scenario are shipped."""
    return tuple(
        sorted(int(p.stem.removeprefix("seed-")) for p in _folder(name).glob("seed-*.safetensors"))
    )


def load_scenario(name: str, seed: int = 0) -> Scenario:
    """
    Load network and data of a built-in scenario, or of what somebody brought (`own/...`).

    Raises ValueError for an unknown name or seed and for weights that differ from their record.
    """
    if is_own(name):
        network, data = load_own(name, own_record(name))
        return Scenario(name=name, network=network, data=data, record={})
    record = load_record(name, seed)
    weights = _folder(name) / f"seed-{seed}.safetensors"
    if not weights.is_file():
        raise ValueError(f"{weights.name} of {name} is missing; restore it from the repository.")
    if sha256(weights.read_bytes()).hexdigest() != record["sha256"]:
        raise ValueError(f"{weights.name} of {name} is damaged; restore it from the repository.")
    data_name, architecture = name.split("/")
    data = load_data(name)
    module = build(architecture, seed)
    module.load_state_dict(load_file(weights))
    network = from_module(module, DATA_SETS[data_name].input_shape, data.labels, architecture)
    network = replace(network, mean=data.train.mean, std=data.train.std)
    return Scenario(name=name, network=network, data=data, record=record)


def load_record(name: str, seed: int = 0) -> dict[str, Any]:
    """Return how a network was trained: plan, curve, accuracy, hash (cheap: no weights)."""
    path = _folder(name) / f"seed-{seed}.json"
    if not path.is_file():
        raise ValueError(f"{name} has no weights for seed {seed}; there are {list_seeds(name)}.")
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def load_data(name: str) -> Data:
    """Load the data of a scenario; every call for one data set gives the same three parts."""
    if is_own(name):
        return load_own_data(place(name), own_record(name))
    return DATA_SETS[_folder(name).parent.name].load()


def _folder(name: str) -> Path:
    if name not in list_scenarios():
        raise ValueError(f"There is no scenario {name!r}; choose one of {list_scenarios()}.")
    return ASSETS / name


def _fashion_mnist() -> Data:
    folder = ASSETS / "fashion-mnist"
    x, y = (
        _read_idx(folder / f"train-{what}.gz")
        for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    test_x, test_y = (
        _read_idx(folder / f"t10k-{what}.gz") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(SPLIT_SEED))

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


def _digits() -> Data:
    # Imported here: scikit-learn takes a second that only this scenario needs.
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    x = torch.from_numpy(pixels.astype(np.uint8)).reshape(-1, 1, 8, 8)
    y = torch.from_numpy(classes.astype(np.int64))
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(SPLIT_SEED))
    parts: dict[PartName, Tensor] = {
        "train": order[:1077],
        "validation": order[1077:1437],
        "test": order[1437:],
    }
    train, validation, test = (
        Part(name=name, x=x[chosen], y=y[chosen], mean=4.9, std=6.0)
        for name, chosen in parts.items()
    )
    return Data(
        train=train, validation=validation, test=test, labels=tuple(str(i) for i in range(10))
    )


def _read_idx(path: Path) -> Tensor:
    """Read an IDX file of bytes: magic (two zeros, 0x08, number of axes), lengths, values."""
    raw = gzip.decompress(path.read_bytes())
    axes = raw[3]
    shape = np.frombuffer(raw, ">i4", axes, offset=4)
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)
    return torch.from_numpy(values.copy())


DATA_SETS: dict[str, DataSet] = {
    "digits": DataSet(
        load=_digits,
        input_shape=(1, 8, 8),
        title="Handwritten digits",
        question="Which digit is this?",
        licence="BSD-3-Clause",
    ),
    "fashion-mnist": DataSet(
        load=_fashion_mnist,
        input_shape=(1, 28, 28),
        title="Fashion-MNIST",
        question="Which garment is this?",
        licence="MIT",
    ),
}
