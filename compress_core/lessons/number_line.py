"""The number line: the values that a few bits can hold, and what becomes of a weight on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log10

import torch
from torch import Tensor

from compress_core.fit_grid import fit_codebook, fit_linear, fit_power_of_two
from compress_core.grids import Grid, LinearGrid, fake_quantize


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What rounding a tensor costs: mean square errors, and how they compare with the signal."""

    rounding: float
    """Of values inside the grid's range, as part of the mean over all."""
    clipping: float
    """Of values beyond its ends, as part of the mean over all."""
    clipped: float
    """Fraction of the values that lie beyond."""
    sqnr_db: float
    """10 log10 of mean square over mean square error."""

    @property
    def mse(self) -> float:
        """Mean square error of all values."""
        return self.rounding + self.clipping


def error_of(values: Tensor, grid: LinearGrid) -> Error:
    """Return what rounding *values* to *grid* costs, told apart by where they lie."""
    return _error(values, grid, grid.between(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One grid for all values of a weight, and where it takes the probes."""

    kind: str
    """A key of `KINDS`."""
    values: tuple[float, ...]
    scale: float
    zero_point: int
    error: Error
    rounded: tuple[float, ...]


KINDS: dict[str, Callable[[Tensor, Tensor, Tensor, int], Grid]] = {
    "symmetric": lambda w, low, high, bits: fit_linear(low, high, bits, "symmetric"),
    "affine": lambda w, low, high, bits: fit_linear(low, high, bits, "affine"),
    "codebook": lambda w, low, high, bits: fit_codebook(w, bits),
    "power_of_two": lambda w, low, high, bits: fit_power_of_two(low, high, bits),
}
"""(weight, low, high, bits) -> the grid of that range; a codebook finds its own."""


def number_lines(
    weight: Tensor, low: float, high: float, bits: int, probes: Sequence[float]
) -> tuple[Line, ...]:
    """Return every kind of grid for *weight* where values from *low* to *high* are to be held."""
    ends = torch.tensor(low), torch.tensor(high)
    return tuple(
        _line(kind, make(weight, *ends, bits), weight, torch.tensor(probes))
        for kind, make in KINDS.items()
    )


def _line(kind: str, grid: Grid, weight: Tensor, probes: Tensor) -> Line:
    values = grid.values()[0]
    inside = (weight >= values[0]) & (weight <= values[-1])
    zero_point = int(grid.zero_point) if isinstance(grid, LinearGrid) else 0
    return Line(
        kind=kind,
        values=tuple(values.tolist()),
        scale=float(grid.scale),
        zero_point=zero_point,
        error=_error(weight, grid, inside),
        rounded=tuple(fake_quantize(probes, grid).tolist()),
    )


def _error(values: Tensor, grid: Grid, inside: Tensor) -> Error:
    lost = (values - fake_quantize(values, grid)).double().square()
    power, mse = float(values.double().square().mean()), float(lost.mean())
    return Error(
        rounding=float((lost * inside).mean()),
        clipping=float((lost * ~inside).mean()),
        clipped=float((~inside).double().mean()),
        sqnr_db=10 * log10(power / mse) if mse and power else inf,
    )
