"""Sensitivity and specificity beside the accuracy, for networks that look for one class."""

from collections.abc import Sequence

from compress_core.measured import Measured
from compress_core.rates import Rates, looks_for
from compress_core.rates import rates as rates_of
from pages.shared import words
from pages.shared.words import N_, _

PerClass = tuple[Measured | None, ...]
_CAUTION = N_("No medical device: for learning about compression only.")


def caution(scenario: str) -> str:
    """Return what stands beside the rates; empty where a network looks for nothing."""
    return _(_CAUTION) if looks_for(scenario) else ""


def figures(scenario: str, per_class: PerClass) -> list[tuple[str, Measured, str, str]]:
    """Return name, value, what it was counted on and what it means, for each rate there is."""
    found = rates_of(scenario, per_class)
    if found is None:
        return []
    names = {"found": _(found.found), "other": _(found.other)}
    return [
        (
            _("Sensitivity"),
            found.sensitivity,
            _counted(found.sensitivity, found.found),
            _("Share of {found} samples that are found. ± is the 95 % interval.").format(**names),
        ),
        (
            _("Specificity"),
            found.specificity,
            _counted(found.specificity, found.other),
            _("Share of {other} samples that are not taken for {found}.").format(**names),
        ),
    ]


def rows(scenario: str, columns: Sequence[PerClass | None]) -> list[list[str]]:
    """Return the rows of a table with one column for each network; a dash for None."""
    known = [None if each is None else rates_of(scenario, each) for each in columns]
    last = next((each for each in reversed(known) if each is not None), None)
    if last is None:
        return []
    names = [
        _("Sensitivity, {samples}").format(samples=_counted(last.sensitivity, last.found)),
        _("Specificity, {samples}").format(samples=_counted(last.specificity, last.other)),
    ]
    values = [[_cells(each)[place] for each in known] for place in range(2)]
    return [[name, *cells] for name, cells in zip(names, values, strict=True)]


def _cells(found: Rates | None) -> tuple[str, str]:
    if found is None:
        return "–", "–"
    return words.accuracy(found.sensitivity), words.accuracy(found.specificity)


def _counted(rate: Measured, name: str) -> str:
    return _("{count} {name}").format(count=f"{rate.n:,}", name=_(name))
