"""Sensitivity and specificity beside the accuracy, for networks that look for one class."""

from dataclasses import dataclass

from compress_core.measured import Measured
from compress_core.rates import looks_for
from compress_core.rates import rates as rates_of
from pages.shared.words import N_, _

CAUTION = N_("No medical device: for learning about compression only.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One rate in words."""

    name: str
    rate: Measured
    counted: str
    """What it was counted on: 63 malignant."""
    meaning: str

    @property
    def line(self) -> str:
        """How a line of a table begins."""
        return f"{self.name}, {self.counted}"


def caution(scenario: str) -> str:
    """Return what stands beside the rates; empty where a network looks for nothing."""
    return _(CAUTION) if looks_for(scenario) else ""


def figures(scenario: str, per_class: tuple[Measured | None, ...]) -> list[Figure]:
    """Return the rates of a network; none where it looks for nothing, or nothing was counted."""
    found = rates_of(scenario, per_class)
    if found is None:
        return []
    names = {"found": _(found.found), "other": _(found.other)}
    return [
        Figure(
            name=_("Sensitivity"),
            rate=found.sensitivity,
            counted=f"{found.sensitivity.n:,} {names['found']}",
            meaning=_("Share of {found} samples that are found. ± is the 95 % interval.").format(
                **names
            ),
        ),
        Figure(
            name=_("Specificity"),
            rate=found.specificity,
            counted=f"{found.specificity.n:,} {names['other']}",
            meaning=_("Share of {other} samples that are not taken for {found}.").format(**names),
        ),
    ]
