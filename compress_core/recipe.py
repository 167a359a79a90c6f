"""
The recipe: every decision about a compression, as one frozen value.

App, link, history and tests read the same value. A later step overrides an earlier one of its kind
on the layers it names, so an exception for one layer is one more step at the end.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from reprlib import repr as brief
from typing import Any, Literal

from compress_core.checks import RecipeError as RecipeError  # its users know it from here
from compress_core.checks import (
    check_choice,
    check_integer,
    check_number,
    check_pattern,
)
from compress_core.choices import FACTORIZE_METHODS, PRUNE_CHOICES, QUANTIZE_CHOICES
from compress_core.recipe_json import parse

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """
    Take the least important weights, kernels or channels away.

    Give *sparsity* (fraction of what the step names) or *threshold* (weights with |w| below it;
    kernels and channels whose root mean square is below); the pattern n:m needs neither.
    """

    kind: Literal["prune"] = "prune"
    sparsity: float | None = None
    threshold: float | None = None
    granularity: Literal["weight", "n:m", "kernel", "channel"] = "weight"
    n_of_m: Literal["1:4", "2:4", "4:8"] | None = None
    """At most n of each m weights along the inputs are kept; goes with granularity n:m."""
    criterion: Literal["l2", "l1", "random", "taylor", "wanda"] = "l2"
    """What is kept: large weights, any, those the loss depends on, those with large inputs."""
    allocation: Literal["uniform", "global", "lamp", "erk"] = "uniform"
    """The same share in each layer; one ranking for all; rankings scaled by layer; by shape."""
    schedule: Literal["one_shot", "gradual"] = "one_shot"
    """All at once, or little by little while fine-tuning (Zhu & Gupta, 2018)."""
    round_to: Literal[1, 8] = 1
    """Channels that are left come in multiples of this, where there are enough."""
    layers: str = "*"
    """A glob over layer names: `*`, `fc*`, `stage1.0.conv1`."""

    def __post_init__(self) -> None:
        for name, allowed in PRUNE_CHOICES.items():
            check_choice(self, name, allowed)
        _amount(self)
        if self.sparsity is not None:
            check_number(
                self, "sparsity", 0.0, 1.0, "below 1, or nothing would be left", below=True
            )
        if self.threshold is not None:
            check_number(self, "threshold", 0.0, 1e9)
        if self.schedule == "gradual" and (self.granularity == "channel" or self.sparsity is None):
            raise RecipeError(
                "Gradual pruning takes a sparsity of weights or kernels; use one_shot."
            )
        check_pattern(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factorize:
    """Split layers into thinner ones in a row, where that saves weights (low rank)."""

    kind: Literal["factorize"] = "factorize"
    rank: float | None = None
    """Share of the singular values that is kept."""
    energy: float | None = None
    """Or: keep as many as carry this share of the energy."""
    method: Literal["tucker", "spatial"] = "tucker"
    """Of convolutions wider than 1 x 1: over channels, or over rows and columns."""
    layers: str = "*"

    def __post_init__(self) -> None:
        if (self.rank is None) == (self.energy is None):
            raise RecipeError("Factorize takes either rank or energy; give exactly one of them.")
        for name in ("rank", "energy"):
            if getattr(self, name) is not None:
                check_number(self, name, 0.001, 1.0)
        check_choice(self, "method", FACTORIZE_METHODS)
        check_pattern(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantize:
    """Round weights, and activations where *activation_bits* is set, to 2 ** bits values."""

    kind: Literal["quantize"] = "quantize"
    weight_bits: int | None = 8
    activation_bits: int | None = None
    grid: Literal["linear", "codebook", "power_of_two"] = "linear"
    """Of the weights: even steps, values found by k-means, or powers of two."""
    activation_grid: Literal["linear", "power_of_two"] = "linear"
    granularity: Literal["per_tensor", "per_channel", "per_group"] = "per_channel"
    """How many weights share a scale; activations always share one per tensor."""
    group_size: int = 32
    """Weights that share a scale, with granularity per_group."""
    scheme: Literal["symmetric", "affine"] = "symmetric"
    """Of linear weights: the same range on both sides of zero, or zero moved to fit the range."""
    calibration: Literal["minmax", "percentile", "mse", "entropy"] = "minmax"
    """Which range a grid covers, of weights and activations."""
    rounding: Literal["nearest", "learned"] = "nearest"
    """To the nearest value, or whichever way keeps the output (AdaRound)."""
    reconstruction: Literal["layer", "block"] = "layer"
    """Whose output learned rounding keeps: of each layer, or of each block as well (BRECQ)."""
    bias_correction: bool = False
    """Move biases so that each output keeps its mean."""
    equalize: bool = False
    """Even out the ranges of neighbouring layers first."""
    layers: str = "*"

    def __post_init__(self) -> None:
        if self.weight_bits is None and self.activation_bits is None:
            raise RecipeError(
                "Quantize needs weight_bits, activation_bits or both; set one of them."
            )
        for name in ("weight_bits", "activation_bits"):
            if getattr(self, name) is not None:
                check_integer(self, name, 2, 16)
        for name, allowed in QUANTIZE_CHOICES.items():
            check_choice(self, name, allowed)
        check_integer(self, "group_size", 2, 4096)
        if self.grid == "codebook" and (self.weight_bits or 0) > 8:
            raise RecipeError(
                f"weight_bits is {self.weight_bits} with a codebook; a table of more than 256 "
                "values saves nothing, so use 8 bits or fewer, or the linear grid."
            )
        if self.calibration == "entropy" and self.granularity == "per_group":
            raise RecipeError(
                "Entropy calibration needs more values than a group has; use mse with groups."
            )
        if self.grid != "linear" and (self.scheme == "affine" or self.rounding == "learned"):
            raise RecipeError(
                "Affine ranges and learned rounding belong to the linear grid; "
                "use symmetric and nearest with this grid."
            )
        check_pattern(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finetune:
    """Train the compressed network on; what was pruned stays pruned and every value on its grid."""

    kind: Literal["finetune"] = "finetune"
    epochs: int = 1
    lr: float = 1e-3
    batch_size: int = 128
    samples: int | None = None
    """Train on the first so many samples only; None is all of them."""
    amp: bool = True
    seed: int = 0
    scales: Literal["fixed", "learned"] = "fixed"
    """Grids stay as calibrated, or their step sizes are trained too (LSQ)."""
    teacher: float = 0.0
    """Share of the loss that asks for the original's answers; 1 needs no labels (distillation)."""
    temperature: float = 4.0
    """Softens the teacher's answers: more of what it thinks of the other classes."""
    cycles: int = 1
    """Prune a part, fine-tune, prune more, so many times."""
    max_drop: float | None = None
    """Stop cycling when validation accuracy falls further than this below the original."""

    def __post_init__(self) -> None:
        check_integer(self, "epochs", 1, 1000)
        check_number(self, "lr", 1e-7, 1.0)
        check_integer(self, "batch_size", 1, 4096)
        if self.samples is not None:
            check_integer(self, "samples", 1, 10**9)
        if not isinstance(self.amp, bool):
            raise RecipeError(f"amp is {brief(self.amp)}; use true or false.")
        check_integer(self, "seed", 0, 2**31 - 1)
        check_choice(self, "scales", ("fixed", "learned"))
        check_number(self, "teacher", 0.0, 1.0)
        check_number(self, "temperature", 1.0, 20.0)
        check_integer(self, "cycles", 1, 20)
        if self.max_drop is not None:
            check_number(self, "max_drop", 0.0, 1.0)
            if self.cycles == 1:
                raise RecipeError("max_drop ends a row of cycles; set cycles to 2 or more.")


Step = Prune | Factorize | Quantize


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Steps in the order in which they are applied, then perhaps a fine-tuning."""

    kind: Literal["recipe"] = "recipe"
    steps: tuple[Step, ...] = ()
    finetune: Finetune | None = None
    seed: int = 0
    version: int = VERSION

    def __post_init__(self) -> None:
        if not isinstance(self.steps, tuple) or not all(isinstance(s, Step) for s in self.steps):
            raise RecipeError("steps must be a list of prune, factorize and quantize steps.")
        if self.finetune is not None and not isinstance(self.finetune, Finetune):
            raise RecipeError("finetune must be a finetune step or nothing.")
        if type(self.version) is not int or self.version != VERSION:
            raise RecipeError(
                f"This recipe has version {brief(self.version)}; this app reads version {VERSION}. "
                "Save it again with this app, or update the app."
            )
        check_integer(self, "seed", 0, 2**31 - 1)
        _check_order(self.steps)

    def to_json(self) -> str:
        """Return the recipe as JSON text; `from_json` gives back an equal recipe."""
        return json.dumps(asdict(self), indent=2)

    @staticmethod
    def from_json(text: str) -> "Recipe":
        """Read a recipe; raises RecipeError, with a remedy, for anything that is not one."""
        value = parse(text, KINDS)
        if not isinstance(value, Recipe):
            raise RecipeError("The outermost object must be of kind 'recipe'.")
        return value

    def digest(self) -> str:
        """Return a hash that is equal exactly for equal recipes."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return sha256(canonical.encode()).hexdigest()[:16]


KINDS: dict[str, type[Any]] = {
    "prune": Prune,
    "factorize": Factorize,
    "quantize": Quantize,
    "finetune": Finetune,
    "recipe": Recipe,
}
"""All that may be built from JSON."""


def _amount(step: Prune) -> None:
    if step.granularity == "n:m":
        if step.n_of_m is None or step.sparsity is not None or step.threshold is not None:
            raise RecipeError("Granularity n:m takes n_of_m, such as '2:4', and no sparsity.")
        return
    if step.n_of_m is not None:
        raise RecipeError("n_of_m goes with granularity 'n:m'; set that or leave n_of_m out.")
    if (step.sparsity is None) == (step.threshold is None):
        raise RecipeError("Prune takes either sparsity or threshold; give exactly one of them.")
    if step.threshold is not None and step.criterion not in ("l1", "l2"):
        raise RecipeError(
            "A threshold compares sizes of weights; use criterion l1 or l2, or sparsity."
        )


def _check_order(steps: tuple[Step, ...]) -> None:
    """Refuse steps that would change shapes after masks and grids were made for them."""
    order = [_shape_rank(step) for step in steps]
    if order != sorted(order):
        raise RecipeError(
            "Whole channels go first, then low rank, then single weights and rounding; "
            "move the steps into this order."
        )


def changes_shapes(step: Step) -> bool:
    """Tell whether a step leaves layers of other shapes: it names them as they are before."""
    return _shape_rank(step) < 2


def _shape_rank(step: Step) -> int:
    if isinstance(step, Prune) and step.granularity == "channel":
        return 0
    return 1 if isinstance(step, Factorize) else 2
