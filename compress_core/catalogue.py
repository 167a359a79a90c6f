"""
What can be said of all networks before any is loaded: names, size, record, baseline.

Knows no torch, so that a page of cards is painted at once.
"""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any, Literal

from compress_core import wardrobe
from compress_core.measured import UNMEASURED, Measured

ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUFFERS = ("running_mean", "running_var")
"""Stored as float32 with the weights, but not trained."""
WEIGHTS = {".weight": "", ".weight_ih_l0": ".input", ".weight_hh_l0": ".memory"}
"""How names of weights end -> what the name of their layer has there; a memory becomes two."""

BUILT_IN = (
    "digits/simple-nn",
    "fashion-mnist/lenet-300-100",
    "fashion-mnist/lenet-5",
    "fashion-mnist/vgg-small",
    "fashion-mnist/resnet-20",
    "speech/ds-cnn",
    "reviews/conv",
    "reviews/transformer",
    "breast-cancer/mlp",
    "watch/conv",
    "watch/gru",
    "lander/mlp",
    "driving/cnn",
    "photos/efficientnet-lite0",
)
"""All built-in scenarios, `<data set>/<architecture>`, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What something far simpler reaches on the same test part."""

    method: str
    """A key of `compress_core.data_sets.baseline.METHODS`."""
    test: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a network that plays reaches in whole games, and what its teacher reaches in them."""

    mean_return: Measured
    """The sum of all rewards of a game, its mean over *n* games, which nobody had learned from."""
    teacher: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trained network as its files describe it."""

    name: str
    seed: int
    parameters: int
    fp32_bytes: int
    test: Measured
    """Accuracy on the test part, measured when training had ended or when it was brought."""
    against: Literal["labels", "original", "nothing"] = "labels"
    """What answers are compared with: without labels there is no accuracy of the original."""
    per_class: tuple[Measured | None, ...] = ()
    """Share of each class that is recognised there, where that was written down."""


def seeds(name: str) -> tuple[int, ...]:
    """Return the seeds for which record and weights of a scenario are there."""
    if wardrobe.is_own(name):
        return (0,)
    records = (ASSETS / name).glob("seed-*.json")
    numbers = sorted(int(n) for p in records if (n := p.stem.removeprefix("seed-")).isdecimal())
    return tuple(number for number in numbers if weights_file(name, number) is not None)


def is_from_package(name: str) -> bool:
    """Tell whether the weights of a built-in network come in a package of somebody else."""
    path = ASSETS / name / "seed-0.json"
    return path.is_file() and "package" in json.loads(path.read_text())


def weights_file(name: str, seed: int) -> Path | None:
    """
    Return the file with the weights of a built-in network: beside its record, or in a package.

    None where the file is missing or the package is not installed.
    """
    path = ASSETS / name / f"seed-{seed}.safetensors"
    if path.is_file():
        return path
    package: dict[str, str] = _record(name, seed).get("package", {})
    spec = find_spec(package["name"]) if package else None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / package["file"]
    return path if path.is_file() else None


def layers(name: str, seed: int) -> tuple[str, ...]:
    """Return the layers whose weights can be compressed: those that are matrices at least."""
    if wardrobe.is_own(name):
        return wardrobe.record(name).layers
    record = _record(name, seed)
    if "package" in record:
        return tuple(record["layers"])
    shapes = _float_shapes(ASSETS / name / f"seed-{seed}.safetensors")
    return tuple(
        tensor.removesuffix(ending) + layer
        for tensor, shape in shapes.items()
        for ending, layer in WEIGHTS.items()
        if tensor.endswith(ending) and len(shape) > 1
    )


def names() -> tuple[str, ...]:
    """
    Return the scenarios that have weights, in the order of `BUILT_IN`.

    What people brought comes last, in the order in which it came.
    """
    return (*(name for name in BUILT_IN if seeds(name)), *wardrobe.names())


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
            against=own.against,
        )
    if seed not in seeds(name):
        raise ValueError(f"{name} has no weights for seed {seed}; there are {seeds(name)}.")
    record = _record(name, seed)
    if "package" in record:
        return Entry(
            name=name,
            seed=seed,
            parameters=record["parameters"],
            fp32_bytes=record["fp32_bytes"],
            test=UNMEASURED,
            against="original",
        )
    weights = ASSETS / name / f"seed-{seed}.safetensors"
    shapes = _float_shapes(weights)
    trained = [shape for tensor, shape in shapes.items() if not tensor.endswith(BUFFERS)]
    return Entry(
        name=name,
        seed=seed,
        parameters=sum(prod(shape) for shape in trained),
        fp32_bytes=4 * sum(prod(shape) for shape in shapes.values()),
        test=Measured(**record["test"]),
        per_class=tuple(Measured(**share) for share in record.get("per_class", ())),
    )


def baseline(data_set: str) -> Baseline | None:
    """Return what something far simpler reaches, where that was measured."""
    path = ASSETS / data_set / "baseline.json"
    if not path.is_file():
        return None
    record = json.loads(path.read_text())
    return Baseline(method=record["method"], test=Measured(**record["test"]))


def played(name: str, seed: int) -> Played | None:
    """Return what a network reaches in whole games, where it plays one."""
    path = ASSETS / name / f"seed-{seed}.return.json"
    if not path.is_file():
        return None
    record = json.loads(path.read_text())
    return Played(mean_return=Measured(**record["return"]), teacher=Measured(**record["teacher"]))


def _record(name: str, seed: int) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((ASSETS / name / f"seed-{seed}.json").read_text())
    return record


def _float_shapes(path: Path) -> dict[str, list[int]]:
    """Read tensor names and shapes from the header of a safetensors file."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {
        name: tensor["shape"]
        for name, tensor in header.items()
        if name != "__metadata__" and tensor["dtype"] == "F32"
    }
