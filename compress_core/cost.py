"""
What a network will take in ONNX Runtime, estimated from layers that were measured on this machine.

Seconds are a sum over the call and its operators, and those of an operator are a sum of counts
(multiply-accumulates, values read, values written, ...) times a rate each, which is never negative:

    seconds = call + sum over operators and counts of rate[routine, count] * count

What is counted, and what carries an operator out, stands in `operator_counts`. Rates are fitted on
relative errors (non-negative least squares, Lawson and Hanson, 1974). The band is where layers lie
whose like the fit has not seen: a network has many layers of few sorts, so their errors are shared
and do not cancel as those of layers drawn at random would.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from compress_core.compressed import Compressed
from compress_core.integers import integer_layers
from compress_core.layer_times import LayerTimes, Timing
from compress_core.measured import Estimate
from compress_core.operator_counts import Counts, count, count_all
from compress_core.operators import Operator, described, operators
from compress_core.recurrence import MEMORY
from compress_core.specimens import Precision

COVERAGE = 0.9
"""Fraction of layers of an unseen sort whose seconds lie in the band."""


@dataclass(frozen=True)
class CostModel:
    """Rates of one machine: seconds per count."""

    rates: Mapping[Precision, Mapping[str, float]]
    """An absent count was never measured."""
    bands: Mapping[Precision, tuple[float, float]]
    """Measured over estimated, of layers of a sort that the fit had not seen: from and to."""
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

    def unmeasured(self, compressed: Compressed) -> str | None:
        """Name the first operator that was not measured; None where that is not what is missing."""
        precision = precision_of(compressed)
        if precision is None:
            return None
        known = self.rates[precision].keys()
        for name, operator in described(compressed.network):
            if operator is None or not count(operator, precision, self.lanes).keys() <= known:
                return name
        return None


def precision_of(compressed: Compressed) -> Precision | None:
    """Return what all of a network's file computes in; None where it is mixed."""
    if not compressed.activation_grids:
        return "float32"
    integers = integer_layers(compressed.graph, compressed.weight_grids)
    # What runs over time computes in floats everywhere: its share was measured so.
    layers = [layer for layer in compressed.network.layers if layer.kind not in MEMORY]
    whole = all(layer.name in integers for layer in layers if layer.macs)
    eight = all(grid.bits == 8 for grid in compressed.activation_grids.values())
    return "int8" if whole and eight else None


@lru_cache(maxsize=4)
def cost_model(times: LayerTimes) -> CostModel:
    """Fit the rates of a machine to its layer times; takes a third of a second, once."""
    rates, bands = {}, {}
    for precision in dict.fromkeys(timing.precision for timing in times.timings):
        timings = [timing for timing in times.timings if timing.precision == precision]
        counted = [(_counts_of(timing, times.lanes), timing.seconds) for timing in timings]
        rates[precision] = _fit(counted)
        bands[precision] = _band(counted, [_sort(timing) for timing in timings])
    return CostModel(rates, bands, times.lanes)


def _counts_of(timing: Timing, lanes: int) -> Counts:
    first, last = timing.operators[0], timing.operators[-1]
    reads, writes = first.read * first.inputs, last.positions * last.outputs
    return count_all(timing.operators, timing.precision, lanes, reads, writes)


def _fit(counted: Sequence[tuple[Counts, float]]) -> dict[str, float]:
    """Return the rates with the smallest sum of squared relative errors."""
    names = list(dict.fromkeys(name for counts, _ in counted for name in counts))
    table = np.array([[c[name] / seconds for name in names] for c, seconds in counted])
    scale = np.linalg.norm(table, axis=0)
    found, _ = nnls(table / scale, np.ones(len(counted)))
    return dict(zip(names, (found / scale).tolist(), strict=True))


def _band(
    counted: Sequence[tuple[Counts, float]], sorts: Sequence[Hashable]
) -> tuple[float, float]:
    """Fit without one sort of layers after the other and see how these lie to what is estimated."""
    ratios: list[float] = []
    groups = {sort: [c for c, s in zip(counted, sorts, strict=True) if s == sort] for sort in sorts}
    for left_out, layers in groups.items():
        seen = [pair for sort, pairs in groups.items() if sort != left_out for pair in pairs]
        rates = _fit(seen) if seen else {}
        for counts, seconds in layers:
            if counts.keys() <= rates.keys():
                expected = sum(rates[name] * amount for name, amount in counts.items())
                ratios.append(seconds / expected)
    if not ratios:
        return 0.0, inf
    ends: NDArray[np.float64] = np.quantile(ratios, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return min(1.0, float(ends[0])), max(1.0, float(ends[1]))


def _sort(timing: Timing) -> Hashable:
    """Return what layers are alike in: what their operators do, and over how large windows."""
    return frozenset((o.kind, o.groups > 1, o.kernel) for o in timing.operators)
