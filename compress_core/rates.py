"""What counts where a test looks for one of two classes: how often it is found, and left alone."""

from dataclasses import dataclass

from compress_core.measured import Measured

LOOKED_FOR = {"breast-cancer": ("malignant", "benign")}
"""Data sets of two classes, in their order; the first is the one that is looked for."""
CAUTION = "No medical device: for learning about compression only."
"""What stands beside the rates, wherever they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Shares of two classes that are told rightly, each on the samples of its own class."""

    found: str
    """The class that is looked for."""
    other: str
    sensitivity: Measured
    """Share of *found* that is found: TP / (TP + FN)."""
    specificity: Measured
    """Share of *other* that is left alone: TN / (TN + FP)."""


def looks_for(scenario: str) -> bool:
    """Tell whether one of the classes of a scenario is looked for."""
    return scenario.split("/")[0] in LOOKED_FOR


def rates(scenario: str, per_class: tuple[Measured | None, ...]) -> Rates | None:
    """
    Return the rates of a scenario out of the share of each class that is recognised.

    None where nothing is looked for, and while a class was not counted.
    """
    if not looks_for(scenario) or len(per_class) != 2:
        return None
    found, other = LOOKED_FOR[scenario.split("/")[0]]
    sensitivity, specificity = per_class
    if sensitivity is None or specificity is None:
        return None
    return Rates(found=found, other=other, sensitivity=sensitivity, specificity=specificity)
