"""What a treatment was measured to bring on each target: facts that are shipped as a table."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from compress_core.compressed import Compressed
from compress_core.data_sets.data_set import ASSETS

Treatment = Literal["nothing", "zeros", "channels", "fewer bits", "integers", "smaller integers"]
RECIPES: dict[str, Treatment] = {
    "as trained": "nothing",
    "−50 % weights": "zeros",
    "−30 % channels": "channels",
    "4 bit weights": "fewer bits",
    "int8": "integers",
    "int8, −30 % channels": "smaller integers",
}
"""What each recipe of `benchmarks.exports` stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """How many times faster than float32 a treated network was in a target's runtime."""

    network: str
    target: str
    recipe: str
    arithmetic: str
    """What the runtime computed in."""
    speedup: float
    """Below 1 it was slower."""


@cache
def facts() -> tuple[Fact, ...]:
    """Return what `python -m benchmarks.exports --facts` measured, target by target."""
    rows = json.loads((ASSETS / "speed.json").read_text(encoding="utf-8"))["facts"]
    return tuple(Fact(**row) for row in rows)


def treatment_of(compressed: Compressed) -> Treatment:
    """Return what decides about the speed of *compressed*, besides its size and the machine."""
    fewer = compressed.network.macs < compressed.original.macs
    if compressed.activation_grids and compressed.weight_grids:
        return "smaller integers" if fewer else "integers"
    if fewer:
        return "channels"
    if compressed.weight_grids:
        return "fewer bits"
    return "zeros" if compressed.masks else "nothing"


def like(treatment: Treatment, network: str, known: Iterable[Fact]) -> dict[str, list[Fact]]:
    """Return target -> what was measured of a treatment: on *network*, or on all if not on it."""
    fitting = [fact for fact in known if RECIPES.get(fact.recipe) == treatment]
    own = [fact for fact in fitting if fact.network == network]
    found: dict[str, list[Fact]] = {}
    for fact in own or fitting:
        found.setdefault(fact.target, []).append(fact)
    return found
