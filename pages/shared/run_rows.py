"""Runs as points of a picture and as rows of a table. Plain values: knows nothing of Streamlit."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compress_core.trade_off import Point
from pages.shared import run_words, words
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from compress_core.runs import Run

CLOSE = 0.01
"""A run that loses at most this fraction counts as close to the original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run with its number (the oldest is 1) and what came out of it."""

    number: int
    run: "Run"
    result: run_words.Result | None

    @property
    def name(self) -> str:
        """What the run is called on this page."""
        return _("Run {number}").format(number=self.number)


def rows_of(runs: Sequence["Run"]) -> list[Row]:
    """Number the runs, given newest first."""
    return [
        Row(number=len(runs) - place, run=run, result=run_words.result(run))
        for place, run in enumerate(runs)
    ]


def points(rows: Sequence[Row]) -> list[Point]:
    """Return a point for each run with a result, and for each untouched network."""
    return [*originals(rows), *(_point(row) for row in rows if row.result)]


def takeaway(rows: Sequence[Row]) -> str:
    """Say in a sentence which run is the smallest of those that lose little."""
    known = [(row, row.result) for row in rows if row.result]
    if not known:
        return _("No run has come to an end yet; each one that does becomes a point.")
    close = [(row, r) for row, r in known if r.after.value >= r.original.value - CLOSE]
    if not close:
        row, result = max(known, key=lambda pair: pair[1].after.value - pair[1].original.value)
        text = _("No run stays within 1 point of its original; {run} comes closest: {what}.")
    else:
        row, result = max(close, key=lambda pair: pair[1].ratio)
        text = _("Smallest within 1 point of its original: {run}, {what}.")
    what = _("{size} ({ratio}) at {accuracy}").format(
        size=words.size(result.packed_bytes),
        ratio=words.times(result.ratio),
        accuracy=words.percent(result.after.value),
    )
    return text.format(run=row.name, what=what)


def _point(row: Row) -> Point:
    result = row.result
    assert result is not None
    return Point(
        id=row.run.id,
        label=str(row.number),
        text=run_words.recipe(row.run.recipe),
        state=_(run_words.STATES[row.run.state]),
        role=roles().compressed,
        packed_bytes=result.packed_bytes,
        accuracy=result.after.value,
        low=result.after.low,
        high=result.after.high,
    )


def originals(rows: Sequence[Row]) -> list[Point]:
    """Return one point for each untouched network that runs were made from."""
    known = {(row.run.scenario, row.run.seed): row.result for row in rows if row.result}
    first = {name: seed for name, seed in reversed(known)}
    return [
        Point(
            id=f"original:{name}:{seed}",
            label=_original(name, several=len(first) > 1) if seed == first[name] else "",
            text=_("as it was trained"),
            state=_("Original"),
            role=roles().original,
            packed_bytes=result.fp32_bytes,
            accuracy=result.original.value,
            low=result.original.low,
            high=result.original.high,
        )
        for (name, seed), result in known.items()
    ]


def _original(name: str, several: bool) -> str:
    return words.network(name) if several else _("Original")


def against(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return what the answers of these runs are counted against."""
    return tuple({row.result.against: None for row in rows if row.result})


def cells(row: Row, counted: Collection[str] = ()) -> dict[str, Any]:
    """
    Return a row of the table; numbers as numbers, None for what is not known.

    *counted* is what the answers of all rows are counted against.
    """
    run, result = row.run, row.result
    return {
        _("Run"): row.number,
        _("Network"): words.network(run.scenario),
        _("Recipe"): run_words.recipe(run.recipe),
        _("State"): _(run_words.STATES[run.state]),
        _("Packed"): result.packed_bytes if result else None,
        _("Smaller"): result.ratio if result else None,
        words.counted_on(counted, "validation"): result.after.value if result else None,
        "±": (result.after.high - result.after.low) / 2 if result else None,
        words.counted_on(counted, "test"): result.test.value if result else None,
        _("Took"): run_words.took(run),
        _("Begun"): run.created,
    }


FORMATS: dict[str, Callable[[Any], str]] = {
    N_("Packed"): words.size,
    N_("Smaller"): words.times,
    **dict.fromkeys(words.COUNTED_ON.values(), words.percent),
    "±": lambda half: f"{100 * half:.1f}",
    N_("Took"): run_words.duration,
    N_("Begun"): run_words.moment,
}
"""Columns of numbers: sorted by value, shown with their units."""
