"""
What a network will take in ONNX Runtime, estimated from layers that were measured on this machine.

Seconds are a sum over the call and its operators, and those of an operator are a sum of counts
(multiply-accumulates, values read, values written, ...) times a rate each, which is never negative:

    seconds = call + sum over operators and counts of rate[routine, count] * count

An operator's routine is what a runtime carries it out with, such as a convolution whose channels
fill registers. Rates are fitted on relative errors (non-negative least squares, Lawson and Hanson,
1974). The band is where layers lie that the fit has not seen.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from compress_core.compress import Compressed
from compress_core.integers import integer_layers
from compress_core.layer_times import LayerTimes, Timing
from compress_core.measured import Estimate
from compress_core.operators import Operator, operators
from compress_core.specimens import Precision

Counts = Counter[str]
"""Routine and count -> how many; `routine.times` counts how often a routine is called."""
FOLDS = 5
COVERAGE = 0.9
"""Fraction of unseen layers whose seconds lie in the band."""
QUARTET = 4
"""Integers of 8 bits that processors multiply and add up in one go."""
INNER, SHARED = 2**18, 2**20
"""Bytes that near caches hold: weights beyond come from farther away."""


@dataclass(frozen=True)
class CostModel:
    """Rates of one machine: seconds per count."""

    rates: Mapping[Precision, Mapping[str, float]]
    """An absent count was never measured."""
    bands: Mapping[Precision, tuple[float, float]]
    """Measured over estimated, of layers that the fit had not seen: from and to."""
    lanes: int

    def seconds(
        self, work: Sequence[Operator], precision: Precision, reads: int, writes: int
    ) -> Estimate | None:
        """
        Estimate one call for one sample of *reads* values that answers *writes* values.

        None when an operator's routine was not measured.
        """
        rates = self.rates[precision]
        counts = count_all(work, precision, self.lanes, reads, writes)
        if not counts.keys() <= rates.keys():
            return None
        value = sum(rates[name] * count for name, count in counts.items())
        low, high = self.bands[precision]
        return Estimate(value, value * low, value * high)

    def estimate(self, compressed: Compressed) -> Estimate | None:
        """
        Estimate the seconds of one call for one sample of the .onnx file of *compressed*.

        None where layers say nothing: of operators that were not measured, and of networks that
        compute partly in integers.
        """
        precision = precision_of(compressed)
        work = operators(compressed.network)
        if precision is None or work is None:
            return None
        reads = int(np.prod(compressed.network.input_shape))
        return self.seconds(work, precision, reads, work[-1].outputs * work[-1].positions)


def precision_of(compressed: Compressed) -> Precision | None:
    """Return what all of a network's file computes in; None where it is mixed."""
    if not compressed.activation_grids:
        return "float32"
    integers = integer_layers(compressed.graph, compressed.weight_grids)
    whole = all(layer.name in integers for layer in compressed.network.layers if layer.macs)
    eight = all(grid.bits == 8 for grid in compressed.activation_grids.values())
    return "int8" if whole and eight else None


@lru_cache(maxsize=4)
def cost_model(times: LayerTimes) -> CostModel:
    """Fit the rates of a machine to its layer times; takes some ten milliseconds."""
    rates, bands = {}, {}
    for precision in dict.fromkeys(timing.precision for timing in times.timings):
        timings = [timing for timing in times.timings if timing.precision == precision]
        rates[precision] = _fit(timings, times.lanes)
        bands[precision] = _band(timings, times.lanes)
    return CostModel(rates, bands, times.lanes)


def count_all(
    work: Sequence[Operator], precision: Precision, lanes: int, reads: int, writes: int
) -> Counts:
    """Return all that a call costs: each operator, and the values that come in and go out."""
    counts: Counts = Counter({"call.times": 1, "call.reads": reads, "call.writes": writes})
    for operator in work:
        counts.update(count(operator, precision, lanes))
    return counts


def count(operator: Operator, precision: Precision, lanes: int) -> Counts:
    """Return what one operator costs in *precision*: nothing where it becomes part of another."""
    counts = COUNTS[operator.kind](operator, precision, lanes)
    return Counter({name: amount for name, amount in counts.items() if amount})


def _conv(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    routine = _routine(o, precision, lanes)
    if o.groups > 1:
        taps = o.positions * o.outputs * o.kernel
        return {
            f"{routine}.times": 1,
            f"{routine}.macs": taps,
            f"{routine}.positions": o.positions * o.kernel,
            f"{routine}.written": o.positions * o.outputs,
            f"{routine}.read": o.read * o.inputs,
        }
    # Kernels compute whole registers, so a channel more may cost nothing or one register more.
    outputs = -(-o.outputs // lanes) * lanes
    rows = o.inputs * o.kernel
    return {
        f"{routine}.times": 1,
        f"{routine}.macs": o.positions * outputs * rows,
        f"{routine}.gathered": o.positions * rows,
        f"{routine}.written": o.positions * outputs,
        f"{routine}.weights": outputs * rows,
        f"{routine}.positions": o.positions,
        f"{routine}.taps": o.positions * o.kernel,
        f"{routine}.read": o.read * o.inputs,
    }


def _routine(o: Operator, precision: Precision, lanes: int) -> str:
    """Name what carries a convolution out."""
    if o.groups > 1:
        if o.groups != o.inputs or o.groups != o.outputs:
            return "grouped"
        return "depthwise" if o.inputs % lanes == 0 else "depthwise-loose"
    small = "-1" if o.kernel == 1 else ""
    if precision == "int8":
        whole = o.inputs % QUARTET == 0 and o.outputs % lanes == 0
        return f"conv-blocks{small}" if whole else f"conv-loose{small}"
    if o.axes == 1:
        return "conv-line"
    if o.inputs < lanes:
        return "conv-few"
    # ONNX Runtime lays channels out in blocks of registers where they fill them.
    return f"conv-blocks{small}" if o.inputs % lanes == 0 else f"conv-loose{small}"


def _linear(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    weights = o.inputs * o.outputs
    held = weights * (4 if precision == "float32" else 1)
    return {
        "linear.times": 1,
        "linear.weights": weights,
        "linear.beyond-inner": max(0, held - INNER),
        "linear.beyond-shared": max(0, held - SHARED),
        "linear.outputs": o.outputs,
        "linear.inputs": o.inputs,
    }


def _window(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    routine = _laid_out(o, lanes)
    return {
        f"{routine}.times": 1,
        f"{routine}.taps": o.positions * o.outputs * o.kernel,
        f"{routine}.positions": o.positions * o.kernel,
    }


def _each_value(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    routine = _laid_out(o, lanes)
    return {f"{routine}.times": 1, f"{routine}.read": o.read * o.inputs}


def _relu(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    # Rounding to codes that begin at zero removes what is below it.
    return {} if precision == "int8" else _each_value(o, precision, lanes)


def _mean(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    return {f"{o.kind}.times": 1, f"{o.kind}.read": o.read * o.inputs}


def _laid_out(o: Operator, lanes: int) -> str:
    """Name what carries out an operator that keeps the layout of the layer before it."""
    return f"{o.kind}-blocks" if o.inputs % lanes == 0 else o.kind


def _once(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    return {f"{o.kind}.times": 1}


COUNTS: dict[str, Callable[[Operator, Precision, int], dict[str, int]]] = {
    "conv": _conv,
    "linear": _linear,
    "maximum": _window,
    "average": _window,
    "mean": _mean,
    "add": _each_value,
    "relu": _relu,
    "reshape": _once,
}


def _counts_of(timing: Timing, lanes: int) -> Counts:
    first, last = timing.operators[0], timing.operators[-1]
    reads, writes = first.read * first.inputs, last.positions * last.outputs
    return count_all(timing.operators, timing.precision, lanes, reads, writes)


def _fit(timings: Sequence[Timing], lanes: int) -> dict[str, float]:
    """Return the rates with the smallest sum of squared relative errors."""
    rows = [_counts_of(timing, lanes) for timing in timings]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = np.array([[row[name] for name in names] for row in rows], float)
    table /= np.array([[timing.seconds] for timing in timings])
    scale = np.linalg.norm(table, axis=0)
    found, _ = nnls(table / scale, np.ones(len(rows)))
    return dict(zip(names, (found / scale).tolist(), strict=True))


def _band(timings: Sequence[Timing], lanes: int) -> tuple[float, float]:
    """Fit without one fold after the other and see how its layers lie to what is estimated."""
    ratios: list[float] = []
    for fold in range(FOLDS):
        seen = [timing for index, timing in enumerate(timings) if index % FOLDS != fold]
        rates = _fit(seen, lanes)
        for timing in timings[fold::FOLDS]:
            counts = _counts_of(timing, lanes)
            if counts.keys() <= rates.keys():
                expected = sum(rates[name] * amount for name, amount in counts.items())
                ratios.append(timing.seconds / expected)
    ends: NDArray[np.float64] = np.quantile(ratios, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return min(1.0, float(ends[0])), max(1.0, float(ends[1]))
