"""What a sensitivity map holds, and its JSON. Knows nothing of how it is measured or used."""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal

from compress_core.recipe import Recipe
from compress_core.treatment import Treatment

Setting = Literal["sparsity", "weight_bits", "activation_bits"]
ALL = "*"
"""Stands for all layers together."""
Key = tuple[str | None, Setting, float]
SETTINGS: dict[Setting, tuple[float, ...]] = {
    "sparsity": (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98),
    "weight_bits": (8, 7, 6, 5, 4, 3, 2),
    "activation_bits": (8, 7, 6, 5, 4, 3, 2),
}
"""What each layer is tried with alone, and all of them together, the mildest first."""
COARSE: dict[Setting, tuple[float, ...]] = {
    "sparsity": (0.5, 0.9),
    "weight_bits": (6, 4),
    "activation_bits": (6, 4),
}
"""The same for networks that take long for each sample: enough to draw a line through."""
VERSION = 1
DIGITS = 6
"""Of each number of a map that is shipped: what single samples change stands in the first four."""


@dataclass(frozen=True, slots=True)
class Harm:
    """How answers differ from the original's, over the samples of the map."""

    accuracy: float
    """Fraction that is right."""
    loss: float
    """Mean cross-entropy, nats."""
    divergence: float
    """Mean Kullback-Leibler divergence of the answers from the original's, nats; 0 if equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One layer treated alone, or all of them alike."""

    layer: str | None
    """None for the values that belong to no single layer: the input, and sums of layers; `ALL`."""
    setting: Setting
    amount: float
    rounding: float
    """What rounding did to its weights: see `Treatment`; 0 for `ALL`."""
    harm: Harm

    @property
    def key(self) -> Key:
        """What was done to which layer."""
        return (self.layer, self.setting, self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One recipe for all layers together, measured."""

    recipe: Recipe
    treatments: tuple[Treatment, ...]
    harm: Harm


@dataclass(frozen=True)
class SensitivityMap:
    """What was measured so far; complete when every cell of `SETTINGS` is there."""

    original: Harm
    n: int
    """Validation samples, the first of them."""
    cells: tuple[Cell, ...] = ()
    combinations: tuple[Combination, ...] = ()

    @cached_property
    def by_key(self) -> dict[Key, Cell]:
        """The cells by what was done to which layer."""
        return {cell.key: cell for cell in self.cells}

    def shortened(self) -> "SensitivityMap":
        """Return the same map with `DIGITS` of each number, as files are to be small."""
        return SensitivityMap(
            original=_short(self.original),
            n=self.n,
            cells=tuple(
                replace(c, rounding=_digits(c.rounding), harm=_short(c.harm)) for c in self.cells
            ),
            combinations=tuple(
                replace(c, treatments=tuple(map(_short_one, c.treatments)), harm=_short(c.harm))
                for c in self.combinations
            ),
        )

    def to_json(self) -> str:
        """Return the map as JSON text; `from_json` gives back an equal map."""
        cells = [[*cell.key, cell.rounding, *astuple(cell.harm)] for cell in self.cells]
        combinations = [
            {
                "recipe": _brief(combination.recipe),
                "treatments": [astuple(treated) for treated in combination.treatments],
                "harm": astuple(combination.harm),
            }
            for combination in self.combinations
        ]
        head = json.dumps({"version": VERSION, "n": self.n, "original": astuple(self.original)})
        body = f'"cells": {_lines(cells)},\n"combinations": {_lines(combinations)}'
        return f"{head[:-1]},\n{body}}}\n"

    @staticmethod
    def from_json(text: str) -> "SensitivityMap":
        """Read what `to_json` wrote; raises ValueError for another version."""
        values = json.loads(text)
        if values["version"] != VERSION:
            raise ValueError(
                f"This sensitivity map has version {values['version']}, not {VERSION}; "
                "measure it again."
            )
        return SensitivityMap(
            original=Harm(*values["original"]),
            n=values["n"],
            cells=tuple(_cell(*row) for row in values["cells"]),
            combinations=tuple(_combination(**row) for row in values["combinations"]),
        )


def _short(harm: Harm) -> Harm:
    return Harm(*map(_digits, astuple(harm)))


def _short_one(t: Treatment) -> Treatment:
    return replace(t, sparsity=_digits(t.sparsity), rounding=_digits(t.rounding))


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _brief(recipe: Recipe) -> dict[str, Any]:
    """Return what `Recipe.from_json` reads, without what goes without saying."""
    steps = [
        {"kind": step.kind}
        | {f.name: v for f in fields(step) if (v := getattr(step, f.name)) != f.default}
        for step in recipe.steps
    ]
    return {**asdict(recipe), "steps": steps}


def _lines(rows: Sequence[Any]) -> str:
    return "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]"


def _cell(
    layer: str | None, setting: Setting, amount: float, rounding: float, *harm: float
) -> Cell:
    return Cell(layer=layer, setting=setting, amount=amount, rounding=rounding, harm=Harm(*harm))


def _combination(recipe: Any, treatments: Any, harm: Any) -> Combination:
    return Combination(
        recipe=Recipe.from_json(json.dumps(recipe)),
        treatments=tuple(Treatment(*row) for row in treatments),
        harm=Harm(*harm),
    )
