"""What is known about an exported file because it was run: bytes, agreement, accuracy, speed."""

from dataclasses import asdict, dataclass
from typing import Any

from compress_core.data import PartName
from compress_core.latency import Latency
from compress_core.measured import Measured

NOTICEABLE = 0.1
"""Speed-ups nearer to 1 than this are no more than a machine's mood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a file answered in its own runtime, beside what the preview answers."""

    part: PartName
    agreement: Measured
    """Fraction of samples to which file and preview give the same class."""
    gap: float
    """Largest difference of an output between file and preview."""
    step: float | None
    """Difference of two neighbouring outputs; None where outputs are not rounded."""
    accuracy: Measured
    """Of the file itself, on the same samples."""
    per_class: tuple[Measured | None, ...] = ()
    """Share of each class that the file recognises; None for a class without samples."""
    latency: Latency
    """Seconds for one sample on one thread: the original in float32, and this file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The certificate of one exported file."""

    target: str
    file: str
    """Its name within the folder."""
    bytes: int
    sha256: str
    runtime: str
    """With its version, as the file was run."""
    weights: str
    """How weights are stored in the file."""
    arithmetic: str
    """What the runtime computes in."""
    floats: tuple[str, ...]
    """Operators that fell back to float although integers were asked for."""
    remark: str
    """What the format cannot hold, and what else there is to know; may be empty."""
    speed: str
    """Whether this file is faster than float32 in its runtime, and why."""
    run: Run | None
    """None where the runtime does not exist on this system: the file was not run."""

    @property
    def slower(self) -> bool:
        """Whether the file is slower than the original in float32 in the same runtime."""
        return self.run is not None and self.run.latency.speedup < 1 - NOTICEABLE

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` gives back an equal value."""
        return asdict(self)

    @staticmethod
    def from_dict(value: dict[str, Any]) -> "Proof":
        """Read what `to_dict` wrote."""
        run = None if value["run"] is None else _run(value["run"])
        return Proof(**{**value, "floats": tuple(value["floats"]), "run": run})


def _run(value: dict[str, Any]) -> Run:
    counted = {name: Measured(**value[name]) for name in ("agreement", "accuracy")}
    shares = [None if share is None else Measured(**share) for share in value["per_class"]]
    latency = Latency(**value["latency"])
    return Run(**{**value, **counted, "per_class": tuple(shares), "latency": latency})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides about speed besides the machine."""

    integers: bool
    """Something is computed in integers."""
    rounds: bool
    """Activations are rounded in the file."""
    floats: tuple[str, ...]
    """What computes in float although integers were asked for."""
    fewer_bits: bool
    """Weights were rounded."""
    zeros: bool
    """Single weights were pruned."""


def speed_sentence(latency: Latency, runtime: str, facts: Facts) -> str:
    """Say how fast the file is against float32 in the same runtime, and why it is not faster."""
    before, after = _time(latency.before), _time(latency.after)
    times = f"{latency.speedup:.{1 if latency.speedup > 1 else 2}f}"
    if abs(latency.speedup - 1) <= NOTICEABLE:
        verdict = f"As fast as float32 in {runtime} ({before} → {after} for one sample)."
    elif latency.speedup > 1:
        verdict = f"{times}× faster than float32 in {runtime} ({before} → {after} for one sample)."
    else:
        verdict = f"Slower than float32 in {runtime}: {times}× ({before} → {after} for one sample)."
    reason = "" if latency.speedup > 1 + NOTICEABLE else _reason(facts)
    ending = "Zeros are still multiplied here: they give 1.0×." if facts.zeros else ""
    return " ".join(sentence for sentence in (verdict, reason, ending) if sentence)


def _reason(facts: Facts) -> str:
    """Return why a file is not faster; the first that applies."""
    reasons = (
        (facts.floats and facts.rounds, "Values are rounded, but some layers compute in float."),
        (facts.integers, "At this size, rounding and calling cost more than integers save."),
        (facts.rounds, "Activations are rounded, but everything is computed in float."),
        (facts.fewer_bits, "Weights have fewer bits, but everything is computed in float."),
    )
    return next((text for applies, text in reasons if applies), "")


def _time(seconds: float) -> str:
    """Return three digits with the unit that suits: 34.1 µs, 1.20 ms."""
    unit, factor = ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)
    value = seconds * factor
    return f"{value:.{max(0, 3 - len(str(int(value))))}f} {unit}"
