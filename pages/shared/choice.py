"""
What the user has chosen, as one frozen value; and the recipe that follows.

Knows nothing of Streamlit: everything here is a pure function.
"""

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from compress_core.recipe import Factorize, Prune, Quantize, Recipe, Step

FLOAT = 32
"""Bits of weights and activations that are left as they are."""
WEIGHT_BITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, FLOAT)
ACTIVATION_BITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, FLOAT)
MOST_SHARE = 99
HIGHEST_THRESHOLD, THRESHOLD_STEP = 0.5, 0.002

LEAST_KEPT, ALL_KEPT = 10, 100
"""Percent that low rank keeps; all of it leaves layers as they are."""

PruneBy = Literal["share", "threshold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What one layer does differently; None where it follows the others."""

    layer: str
    share: int | None = None
    """Percent of this layer to remove."""
    bits: int | None = None
    """Of its weights."""
    activation_bits: int | None = None
    """Of the values that it computes."""

    @property
    def says_nothing(self) -> bool:
        """Whether the layer follows the others in everything."""
        return self.share is self.bits is self.activation_bits is None

    @property
    def of_weights(self) -> bool:
        """Whether the layer's weights are treated by themselves."""
        return self.share is not None or self.bits is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The network on the hanger and the position of every control."""

    scenario: str = "fashion-mnist/lenet-5"
    seed: int = 0
    prune_by: PruneBy = "share"
    share: int = 30
    """Percent of the weights, or of the channels, to remove."""
    threshold: float = 0.04
    weight_bits: int = 6
    activation_bits: int = 8
    granularity: str = "weight"
    n_of_m: str = "2:4"
    criterion: str = "l2"
    allocation: str = "uniform"
    gradual: bool = False
    eights: bool = False
    """Whether channels that are left come in multiples of eight."""
    kept: int = ALL_KEPT
    """Percent of each layer that low rank keeps, of its energy or of its ranks."""
    kept_of: Literal["energy", "rank"] = "energy"
    method: str = "tucker"
    scale: str = "per_channel"
    scheme: str = "symmetric"
    grid: str = "linear"
    activation_grid: str = "linear"
    calibration: str = "minmax"
    learned: bool = False
    """Whether each weight's rounding is learned."""
    reconstruction: str = "layer"
    """Whose answers a learned rounding keeps."""
    bias_correction: bool = False
    equalize: bool = False
    overrides: tuple[Override, ...] = ()
    recipe: str = ""
    """JSON of an imported recipe that decides instead of the controls; empty when they decide."""


PRESETS: dict[str, dict[str, Any]] = {
    "gentle": {"prune_by": "share", "share": 10, "weight_bits": 8, "activation_bits": 8},
    "balanced": {"prune_by": "share", "share": 30, "weight_bits": 6, "activation_bits": 8},
    "bold": {"prune_by": "share", "share": 50, "weight_bits": 4, "activation_bits": 8},
}
"""What three buttons set; everything else stays as it is."""


def preset_of(choice: Choice) -> str | None:
    """Return the preset that the controls stand on, or None."""
    for name, values in PRESETS.items():
        untouched = not (choice.recipe or choice.overrides)
        if untouched and all(getattr(choice, key) == v for key, v in values.items()):
            return name
    return None


def recipe_of(choice: Choice) -> Recipe:
    """Return the recipe that the controls describe, or the imported one."""
    if choice.recipe:
        return Recipe.from_json(choice.recipe)
    steps = sorted([*_prune_steps(choice), *_low_rank(choice)], key=_shapes_first)
    return Recipe(steps=(*steps, *_quantize_steps(choice)))


def rounding_of(choice: Choice) -> Quantize:
    """Return how weights are rounded, whatever their bits: 8 stand in for them."""
    return Quantize(weight_bits=8, **_how(choice, 8))


def by_threshold(choice: Choice) -> bool:
    """Tell whether a size decides what goes: only single weights have one, and only by size."""
    by_size = choice.granularity == "weight" and choice.criterion in ("l1", "l2")
    return by_size and choice.prune_by == "threshold"


def _prune_steps(choice: Choice) -> Iterable[Step]:
    how: dict[str, Any] = {"granularity": choice.granularity, "criterion": choice.criterion}
    if choice.granularity == "channel":
        how["round_to"] = 8 if choice.eights else 1
    if by_threshold(choice):
        if choice.threshold > 0:
            yield Prune(threshold=choice.threshold, **how)
    elif choice.granularity == "n:m":
        yield Prune(n_of_m=choice.n_of_m, **how)  # type: ignore[arg-type]
    elif choice.share > 0:
        if choice.gradual and choice.granularity != "channel":
            how["schedule"] = "gradual"
        yield Prune(sparsity=choice.share / 100, allocation=choice.allocation, **how)  # type: ignore[arg-type]
    if choice.granularity == "n:m":
        how["granularity"] = "weight"
    for override in choice.overrides:
        if override.share is not None:
            layer = glob.escape(override.layer)
            yield Prune(sparsity=override.share / 100, layers=layer, **how)


def _low_rank(choice: Choice) -> Iterable[Step]:
    if choice.kept < ALL_KEPT:
        yield Factorize(**{choice.kept_of: choice.kept / 100}, method=choice.method)  # type: ignore[arg-type]


def _shapes_first(step: Step) -> int:
    """Order steps as recipes want them: channels, low rank, single weights."""
    if isinstance(step, Prune):
        return 0 if step.granularity == "channel" else 2
    return 1


def _quantize_steps(choice: Choice) -> Iterable[Step]:
    weights = None if choice.weight_bits == FLOAT else choice.weight_bits
    activations = None if choice.activation_bits == FLOAT else choice.activation_bits
    if weights or activations:
        yield Quantize(weight_bits=weights, activation_bits=activations, **_how(choice, weights))
    for override in choice.overrides:
        if override.bits is not None:
            how = _how(choice, override.bits)
            yield Quantize(weight_bits=override.bits, layers=glob.escape(override.layer), **how)
        if (bits := override.activation_bits) is not None:
            how = _how(choice, None)
            layer = glob.escape(override.layer)
            yield Quantize(weight_bits=None, activation_bits=bits, layers=layer, **how)


def _how(choice: Choice, bits: int | None) -> dict[str, Any]:
    """Return how weights of *bits* are rounded; what does not go together gives way."""
    grid = "linear" if choice.grid == "codebook" and (bits or 0) > 8 else choice.grid
    linear = grid == "linear"
    grouped = choice.scale == "per_group" and choice.calibration == "entropy"
    return {
        "granularity": choice.scale,
        "grid": grid,
        "activation_grid": choice.activation_grid,
        "scheme": choice.scheme if linear else "symmetric",
        "calibration": "mse" if grouped else choice.calibration,
        "rounding": "learned" if choice.learned and linear and bits else "nearest",
        "reconstruction": choice.reconstruction if choice.learned and linear and bits else "layer",
        "bias_correction": choice.bias_correction and bits is not None,
        "equalize": choice.equalize and bits is not None,
    }
