"""A run in words: its recipe, its state, its times, and the numbers that came out of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compress_core.measured import Measured
from compress_core.recipe import Finetune, Prune, Quantize, Recipe, Step
from compress_core.runs import Run
from pages.shared import language, words
from pages.shared.words import N_, _, ngettext

STATES = {
    "queued": N_("Waiting"),
    "running": N_("At work"),
    "finished": N_("Finished"),
    "cancelled": N_("Stopped early"),
    "failed": N_("Failed"),
}
FEW = 2
"""More exceptions for single layers than this are counted, not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out of a run, each accuracy under the part it was measured on."""

    original: Measured
    before: Measured
    """Compressed, before any fine-tuning; like *original* and *after* on validation."""
    after: Measured
    test: Measured
    original_test: Measured
    original_classes: tuple[Measured | None, ...]
    """Share of each class that is recognised, on test; like *test_classes*."""
    test_classes: tuple[Measured | None, ...]
    fp32_bytes: int
    packed_bytes: int
    against: str = "labels"
    """What answers are counted against; without labels, accuracies are agreement."""

    @property
    def ratio(self) -> float:
        """How many times smaller than float32 the packed file is."""
        return self.fp32_bytes / self.packed_bytes


def result(run: Run) -> Result | None:
    """Read the outcome of a run; None where it has none (yet)."""
    if run.outcome is None:
        return None
    final = run.outcome["final"]["validation"]

    def accuracy(who: str, part: str) -> Measured:
        return Measured(**run.outcome[who][part]["accuracy"])  # type: ignore[index]

    def classes(who: str) -> tuple[Measured | None, ...]:
        shares = run.outcome[who]["test"]["per_class"]  # type: ignore[index]
        return tuple(None if share is None else Measured(**share) for share in shares)

    return Result(
        original=accuracy("original", "validation"),
        before=accuracy("compressed", "validation"),
        after=accuracy("final", "validation"),
        test=accuracy("final", "test"),
        original_test=accuracy("original", "test"),
        original_classes=classes("original"),
        test_classes=classes("final"),
        fp32_bytes=final["fp32_bytes"],
        packed_bytes=final["packed_bytes"],
        against=final.get("against", "labels"),
    )


def recipe(value: Recipe, tuning: bool = True) -> str:
    """Return a recipe in a line: 30 % of weights removed · weights 6 bit · 3 epochs."""
    parts = list(_parts(value))
    if tuning and value.finetune is not None:
        parts.append(epochs(value.finetune.epochs))
    return " · ".join(parts) or _("nothing changed")


def epochs(count: int) -> str:
    """Return a number of epochs: 1 epoch, 3 epochs."""
    return ngettext("{count} epoch", "{count} epochs", count).format(count=count)


def plan(tuning: Finetune, of: int | None = None) -> str:
    """Return a fine-tuning's settings in a line; *of* is how many samples there are."""
    count = tuning.samples if tuning.samples is not None else of
    return " · ".join(
        [
            epochs(tuning.epochs),
            _("learning rate {rate}").format(rate=f"{tuning.lr:g}"),
            _("{count} samples").format(count=f"{count:,}") if count else _("all samples"),
            _("mixed precision") if tuning.amp else _("float32"),
            _("shuffle {seed}").format(seed=tuning.seed),
            *_more(tuning),
        ]
    )


def _more(tuning: Finetune) -> Iterator[str]:
    if tuning.teacher:
        yield _("{share} from the original").format(share=words.percent(tuning.teacher, 0))
    if tuning.scales == "learned":
        yield _("learned steps")
    if tuning.cycles > 1:
        yield _("{count} turns").format(count=tuning.cycles)


def duration(seconds: float) -> str:
    """Return a time that a person can grasp: 8 s, 1 min 20 s, 2 h 5 min."""
    total = max(0, round(seconds))
    if total < 60:
        return _("{seconds} s").format(seconds=total)
    minutes, rest = divmod(total, 60)
    if minutes < 60:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def milliseconds(seconds: float) -> str:
    """Return a short time: 3.21 ms."""
    return _("{count} ms").format(count=words.three(1000 * seconds))


def moment(seconds: float) -> str:
    """Return a point in time, in the zone of this machine, as the language writes it."""
    # Imported here: most pages show no date.
    from babel.dates import format_skeleton

    when, locale = datetime.fromtimestamp(seconds), language.locale()
    day, clock = (format_skeleton(parts, when, locale=locale) for parts in ("MMMd", "Hm"))
    return _("{day}, {time}").format(day=day, time=clock)


def took(run: Run) -> float | None:
    """Return the seconds that a run worked; None where it never began or is not over."""
    return run.ended - run.started if run.started and run.ended else None


def _parts(value: Recipe) -> Iterator[str]:
    exceptions = [step for step in value.steps if step.layers != "*"]
    for step in value.steps:
        if step.layers == "*":
            yield from _step(step)
    if len(exceptions) > FEW:
        yield _("{count} layers differ").format(count=len({step.layers for step in exceptions}))
        return
    for step in exceptions:
        for text in _step(step):
            yield _("{layer}: {change}").format(layer=step.layers, change=text)


def _step(step: Step) -> Iterator[str]:
    if isinstance(step, Prune):
        yield _pruning(step)
    elif isinstance(step, Quantize):
        yield from _rounding(step)
    elif step.rank is not None:
        yield _("rank {share}").format(share=words.percent(step.rank, 0))
    elif step.energy is not None:
        yield _("rank for {share} of the energy").format(share=words.percent(step.energy, 0))


def _pruning(step: Prune) -> str:
    if step.granularity == "n:m":
        return _("{pattern} of the weights kept").format(pattern=step.n_of_m)
    what = {"channel": _("channels"), "kernel": _("kernels")}.get(step.granularity, _("weights"))
    if step.sparsity is not None:
        return _("{share} of {what} removed").format(
            share=words.percent(step.sparsity, 0), what=what
        )
    return _("{what} below {size} removed").format(what=what, size=f"{step.threshold:g}")


def _rounding(step: Quantize) -> Iterator[str]:
    bits: dict[str, Any] = {_("weights"): step.weight_bits, _("activations"): step.activation_bits}
    for what, count in bits.items():
        if count is not None:
            yield _("{what} {bits} bit").format(what=what, bits=count)
