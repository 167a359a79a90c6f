"""Built-in scenarios: a trained network and the real data it was trained on, from `assets/`."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from compress_core.catalogue import BUILT_IN
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
    module = build(name, seed)
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
