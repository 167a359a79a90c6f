"""
What an operator costs: counts that take a machine time, each named by routine.

An operator's routine is what a runtime carries it out with, such as a convolution whose channels
fill registers.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from compress_core.operators import Operator
from compress_core.specimens import Precision

Counts = Counter[str]
"""Routine and count -> how many; `routine.times` counts how often a routine is called."""
QUARTET = 4
"""Integers of 8 bits that processors multiply and add up in one go."""
INNER, SHARED = 2**18, 2**20
"""Bytes that near caches hold: weights beyond come from farther away."""


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
    if o.positions > 1:
        return _matrices(o, lanes, "matrix")
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


def _product(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    return {**_matrices(o, lanes, "product"), "product.groups": o.groups}


def _matrices(o: Operator, lanes: int, routine: str) -> dict[str, int]:
    outputs = -(-o.outputs // lanes) * lanes
    return {
        f"{routine}.times": 1,
        f"{routine}.macs": o.positions * outputs * o.inputs,
        f"{routine}.read": o.read * o.inputs,
        f"{routine}.written": o.positions * outputs,
        f"{routine}.weights": o.groups * outputs * o.inputs,
    }


def _memory(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    return {
        f"{o.kind}.times": 1,
        f"{o.kind}.moments": o.positions,
        f"{o.kind}.macs": o.macs,
        f"{o.kind}.gates": o.positions * o.inputs,
    }


def _rows(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    """Count what works on rows of values, row by row."""
    return {
        f"{o.kind}.times": 1,
        f"{o.kind}.rows": o.positions,
        f"{o.kind}.written": o.positions * o.outputs,
    }


def _window(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
    routine = f"{o.kind}-line" if o.axes == 1 else _laid_out(o, lanes)
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


def _values(o: Operator, precision: Precision, lanes: int) -> dict[str, int]:
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
    "mean": _values,
    "add": _each_value,
    "relu": _relu,
    "reshape": _once,
    "pick": _once,
    "embedding": _rows,
    "transpose": _values,
    "product": _product,
    "softmax": _rows,
    "norm": _rows,
    "mean-time": _values,
    "gru": _memory,
    "lstm": _memory,
}
