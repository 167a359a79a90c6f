"""What the two handles on the histogram may do, and what they did."""

from bisect import bisect_left
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from pages.shared import cached
from pages.shared.choice import (
    ALL_KEPT,
    FLOAT,
    HIGHEST_THRESHOLD,
    MOST_SHARE,
    THRESHOLD_STEP,
    WEIGHT_BITS,
    Choice,
    by_threshold,
    rounding_of,
)
from pages.shared.words import N_, _

if TYPE_CHECKING:
    from compress_core.drag import Allocation, DragTable, Rule

MOST_CODEBOOK_BITS = 8
"""More are rounded to even steps."""

BY_GROUP = {
    "n:m": N_("The pattern decides how many of each group go: there is no line to drag."),
    "kernel": N_(
        "Whole kernels go, whatever the size of a single weight: there is no line to drag."
    ),
    "channel": N_("Whole channels go, whatever the size of a weight: there is no line to drag."),
}


def why_still(choice: Choice, layer: str | None) -> str | None:
    """Tell why the handles on the histogram of *layer* (None: of all) rest; None if they move."""
    if choice.recipe:
        return _("An imported recipe decides: there is no line to drag.")
    if choice.granularity in BY_GROUP:
        return _(BY_GROUP[choice.granularity])
    if choice.criterion not in ("l1", "l2"):
        return _("Here it is not their size that decides what goes: there is no line to drag.")
    if choice.kept < ALL_KEPT:
        return _("Low rank makes new weights of the old ones: there is no line to drag.")
    if any(own.of_weights and layer in (None, own.layer) for own in choice.overrides):
        return (
            _("This layer has settings of its own: change them in the table below.")
            if layer
            else _("Some layers have settings of their own: pick one layer to drag its line.")
        )
    if by_threshold(choice) or choice.allocation == "global":
        return None
    if choice.allocation != "uniform":
        return _("How much each layer loses is worked out for all together: no line to drag.")
    return None if layer else _("Each layer has a line of its own: pick one layer to drag it.")


def table(choice: Choice, layer: str | None) -> "DragTable":
    """Return what changes while a handle moves on the weights of *layer* (None: of all)."""
    rule: Rule = "threshold" if by_threshold(choice) else "share"
    how = rounding_of(choice)
    allocation: Allocation = "global" if choice.allocation == "global" else "uniform"
    found = cached.drag_table(choice.scenario, choice.seed, layer, rule, how, allocation)
    unknown = (None,) * len(found.bits)
    if choice.equalize:  # other weights are rounded
        return replace(found, packed=unknown, lines=((),) * len(found.bits))
    # What some layers do by themselves is not in the table.
    apart = any(own.of_weights for own in choice.overrides)
    return replace(found, packed=unknown) if apart else found


def cut(choice: Choice, table: "DragTable") -> float:
    """Return the size below which weights are gone, as the browser works it out."""
    if by_threshold(choice):
        return choice.threshold
    shares = scale(choice, table)
    at = min(bisect_left(shares, choice.share), len(shares) - 1)
    if at == 0:
        return table.thresholds[0]
    low, high = shares[at - 1], shares[at]
    part = min(1.0, (choice.share - low) / (high - low))
    return table.thresholds[at - 1] + part * (table.thresholds[at] - table.thresholds[at - 1])


def rows(choice: Choice, shape: tuple[int, ...]) -> int:
    """Return how many rows of a layer's weight have allowed values of their own."""
    how = rounding_of(choice)
    groups = -(-prod(shape[1:]) // how.group_size)
    return {"per_tensor": 1, "per_channel": shape[0], "per_group": shape[0] * groups}[
        how.granularity
    ]


def scale(choice: Choice, table: "DragTable") -> tuple[float, ...]:
    """Return what the slider says at each position of the table, in the slider's own unit."""
    if by_threshold(choice):
        return table.thresholds
    shares = table.gone_everywhere if choice.allocation == "global" else table.gone
    return tuple(100 * share for share in shares)


def slider(choice: Choice) -> dict[str, Any]:
    """Return the field that the first handle moves, its value now, its ends and its step."""
    if by_threshold(choice):
        return {
            "field": "threshold", "value": choice.threshold,
            "lowest": 0, "highest": HIGHEST_THRESHOLD, "step": THRESHOLD_STEP,
        }  # fmt: skip
    return {"field": "share", "value": choice.share, "lowest": 0, "highest": MOST_SHARE, "step": 1}


def released(event: Any) -> dict[str, Any]:
    """Return the fields that a release in the browser sets; what makes no sense is left out."""
    if not isinstance(event, dict):
        return {}
    numbers = {k: v for k, v in event.items() if type(v) in (int, float) and v == v}
    fields: dict[str, Any] = {}
    if 0 <= (share := numbers.get("share", -1)) <= MOST_SHARE:
        fields["share"] = round(share)
    if 0 <= (threshold := numbers.get("threshold", -1)) <= HIGHEST_THRESHOLD:
        fields["threshold"] = round(round(threshold / THRESHOLD_STEP) * THRESHOLD_STEP, 6)
    if (bits := numbers.get("weight_bits")) in WEIGHT_BITS:
        fields["weight_bits"] = int(bits)
    return fields


def value_count(choice: Choice, bits: int) -> int:
    """Return how many values *bits* can hold on the chosen grid; 0 where nothing is rounded."""
    if bits == FLOAT:
        return 0
    if choice.grid == "power_of_two":
        # Beyond 2^-60 a float32 product would vanish anyway: 0 to -60, both signs, and zero.
        return 2 * min((1 << bits - 1) - 1, 61) + 1
    linear = choice.grid == "linear" or bits > MOST_CODEBOOK_BITS
    return (1 << bits) - (linear and choice.scheme == "symmetric")
