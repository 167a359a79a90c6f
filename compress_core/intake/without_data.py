"""What still works when there are no samples at all, and what stays unknown."""

from collections.abc import Iterator
from dataclasses import dataclass

from compress_core.criteria import NEEDS_DATA
from compress_core.recipe import Prune, Quantize, Recipe, Step, changes_shapes

ALWAYS_UNKNOWN = (
    "whether the answers are still right, or still those of the original",
    "which classes suffer",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutData:
    """What a recipe means where nobody gave samples."""

    blocked: tuple[str, ...]
    """Parts of the recipe that look at samples and cannot be carried out."""
    unknown: tuple[str, ...]
    """What cannot be said of the result; sizes, weights and speed can."""


def without_data(recipe: Recipe) -> WithoutData:
    """Return what of *recipe* needs samples and what stays unknown without them."""
    blocked = tuple(dict.fromkeys(what for step in recipe.steps for what in _blocked(step)))
    unknown = list(ALWAYS_UNKNOWN)
    if any(isinstance(step, Prune) or changes_shapes(step) for step in recipe.steps):
        unknown.append("the batch-norm statistics of what is left: they stay as they were")
    if recipe.finetune is not None:
        blocked = (*blocked, "fine-tuning")
    return WithoutData(blocked=blocked, unknown=tuple(unknown))


def _blocked(step: Step) -> Iterator[str]:
    if isinstance(step, Prune) and step.criterion in NEEDS_DATA:
        yield f"the criterion {step.criterion}"
    if isinstance(step, Quantize):
        if step.activation_bits is not None:
            yield "rounding activations"
        if step.weight_bits is not None and step.rounding == "learned":
            yield "learned rounding"
        if step.weight_bits is not None and step.bias_correction:
            yield "bias correction"
