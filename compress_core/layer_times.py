"""
How long single layers take in ONNX Runtime on this machine, at several widths.

Each specimen is a file of one layer, or of a few equal ones in a row, with the operators that the
exporter writes. All are called in turns, so that a machine that is busy for a while slows all down
alike. What others do on the processor only ever adds time, so the lower quartile counts.
"""

# mypy: disable-error-code="import-untyped"
# (onnxruntime has no annotations)

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from typing import Any

import torch

from compress_core.events import Progress
from compress_core.operators import Operator
from compress_core.specimens import Precision, Specimen, specimens

Call = Callable[[], object]
BLOCK = 3e-4
"""Seconds of calls between two looks at the clock."""
FEWEST = 5
"""Rounds that are counted, however short the time is."""
VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of one call with one sample on one thread."""

    operators: tuple[Operator, ...]
    """In a row."""
    precision: Precision
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTimes:
    """What was measured once on one machine."""

    machine: str
    """See `this_machine`."""
    lanes: int
    """Floats that the processor computes with at once: runtimes lay channels out in such blocks."""
    rounds: int
    timings: tuple[Timing, ...]

    def to_json(self) -> str:
        """Return JSON text; `from_json` gives back an equal value."""
        return json.dumps({"version": VERSION, **asdict(self)}) + "\n"

    @staticmethod
    def from_json(text: str) -> "LayerTimes":
        """Read what `to_json` wrote; raises ValueError for another version."""
        values = json.loads(text)
        if values.pop("version", None) != VERSION:
            raise ValueError("These layer times come from another version; measure them again.")
        timings = tuple(
            Timing(**{**row, "operators": tuple(Operator(**o) for o in row["operators"])})
            for row in values["timings"]
        )
        return LayerTimes(**{**values, "timings": timings})


def this_machine() -> str:
    """Return a name for this machine and its ONNX Runtime; another one has another name."""
    parts = (platform.node(), platform.machine(), platform.processor(), str(os.cpu_count()))
    digest = sha256("|".join(parts).encode()).hexdigest()[:12]
    return f"{platform.machine()}-{digest}-onnxruntime-{version('onnxruntime')}"


def place(home: Path) -> Path:
    """Return the file below *home* where this machine's layer times are kept."""
    return home / "layer-times" / f"{this_machine()}.json"


def load_times(home: Path) -> LayerTimes | None:
    """Return what was measured on this machine; None when nothing was, or long ago."""
    try:
        return LayerTimes.from_json(place(home).read_text())
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save_times(times: LayerTimes, home: Path) -> None:
    """Keep what was measured on this machine; readers see the whole file or none."""
    path = place(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}.new")
    new.write_text(times.to_json())
    os.replace(new, path)


def measure_layers(
    seconds: float, asked: Sequence[Specimen] | None = None
) -> Iterator[Progress[LayerTimes | None]]:
    """
    Measure the specimens for about *seconds*; the last event carries the times.

    Opening the sessions comes on top. Events before carry None.
    """
    from compress_core.specimen_files import model_of

    asked = specimens() if asked is None else asked
    calls: list[Call] = []
    for index, specimen in enumerate(asked):
        calls.append(call_of(model_of(specimen), specimen.input_shape))
        yield Progress(step=index + 1, steps=2 * len(asked), result=None)
    blocks: list[list[float]] = [[] for _ in calls]
    for done in _in_turns(calls, seconds, blocks):
        yield Progress(step=len(asked) + int(done * len(asked)), steps=2 * len(asked), result=None)
    timings = tuple(
        Timing(
            operators=specimen.operators,
            precision=specimen.precision,
            seconds=lower_quartile(taken),
        )
        for specimen, taken in zip(asked, blocks, strict=True)
    )
    times = LayerTimes(
        machine=this_machine(), lanes=lanes(), rounds=len(blocks[0]), timings=timings
    )
    yield Progress(step=2 * len(asked), steps=2 * len(asked), result=times)


def time_calls(calls: Sequence[Call], seconds: float) -> list[float]:
    """Return the seconds of one call of each, measured as layers are."""
    blocks: list[list[float]] = [[] for _ in calls]
    for _ in _in_turns(calls, seconds, blocks):
        pass
    return [lower_quartile(taken) for taken in blocks]


def lower_quartile(values: Sequence[float]) -> float:
    """Return what three in four values are above."""
    return quantiles(values, n=4, method="inclusive")[0]


def lanes() -> int:
    """Return how many floats fit into a vector register of this processor."""
    return 16 if torch.cpu.get_capabilities().get("avx512_f") else 8


def _in_turns(
    calls: Sequence[Call], seconds: float, blocks: Sequence[list[float]]
) -> Iterator[float]:
    """Call each in turn, round after round, note seconds per call and yield how far it is."""
    counts = [_count(call) for call in calls]
    started = time.monotonic()
    passed = 0.0
    while len(blocks[0]) < FEWEST or passed < seconds:
        for call, count, taken in zip(calls, counts, blocks, strict=True):
            taken.append(_block(call, count))
        passed = time.monotonic() - started
        yield min(1.0, passed / seconds) if seconds else 1.0


def _count(call: Call) -> int:
    """Return how many calls fill a block; the first ones warm up."""
    for _ in range(2):
        call()
    return max(1, int(BLOCK / max(_block(call, 1), 1e-7)))


def _block(call: Call, count: int) -> float:
    """Return the processor seconds of one call: waiting for other programs is left out."""
    call()  # what the call before left in the caches is not this one's fault
    started = CLOCK()
    for _ in range(count):
        call()
    return (CLOCK() - started) / count


def _clock() -> Callable[[], float]:
    # Some systems tell the time of a thread in steps of many milliseconds.
    fine = time.get_clock_info("thread_time").resolution < 1e-6
    return time.thread_time if fine else time.perf_counter


CLOCK = _clock()


def call_of(model: bytes, input_shape: tuple[int, ...]) -> Call:
    """Return a call of an .onnx file with one sample, in ONNX Runtime on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (end,) = session.get_inputs()
    x = torch.rand(1, *input_shape, generator=torch.Generator().manual_seed(0)).numpy()
    x = x.astype("int64") if end.type == "tensor(int64)" else x  # tokens
    return lambda: session.run(None, {end.name: x})
