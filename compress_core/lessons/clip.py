"""Clipping or rounding: a wide range has coarse steps, a narrow one cuts the largest values off."""

from dataclasses import dataclass

from torch import Tensor

from compress_core.clipping import CALIBRATIONS, SHARES
from compress_core.fit_grid import fit_linear
from compress_core.grids import LinearGrid
from compress_core.lessons.number_line import Error, error_of
from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A symmetric grid that reaches so far, as a fraction of the largest |w|."""

    share: float
    error: Error


def reaches(weight: Tensor, bits: int) -> tuple[Reach, ...]:
    """Return what each range costs, wide ones first."""
    largest = weight.abs().max()
    return tuple(
        Reach(
            share=float(share),
            error=error_of(
                weight, fit_linear(-share * largest, share * largest, bits, "symmetric")
            ),
        )
        for share in SHARES
    )


def calibrated(weight: Tensor, bits: int) -> dict[str, Reach]:
    """Return calibration -> the range that it picks for all values of *weight* together."""
    found = {}
    for name in CALIBRATIONS:
        step = Quantize(weight_bits=bits, granularity="per_tensor", calibration=name)  # type: ignore[arg-type]
        grid = weight_grid(weight, step)
        assert isinstance(grid, LinearGrid)
        share = float(grid.scale * grid.high / weight.abs().max())
        found[name] = Reach(share=share, error=error_of(weight, grid))
    return found
