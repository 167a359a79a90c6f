"""Holes or shapes: what the same share leaves of a matrix, as single weights, pattern, outputs."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from compress_core.criteria import group_score
from compress_core.masks import keep_by_share, keep_n_of_m

SHARE = 0.5
ROWS, COLUMNS = 24, 48
"""Of the corner that is drawn."""


def _outputs(weight: Tensor) -> Tensor:
    rows = keep_by_share(group_score(weight.abs(), "l2", 1), SHARE)
    return rows[:, None].expand_as(weight)


HOLES: dict[str, Callable[[Tensor], Tensor]] = {
    "weight": lambda weight: keep_by_share(weight.abs(), SHARE),
    "n:m": lambda weight: keep_n_of_m(weight.abs(), 2, 4),
    "channel": _outputs,
}
"""Granularity -> the mask (True = kept) of a matrix, outputs first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One weight in the picture."""

    output: int
    input: int
    size: float
    """|w| over the largest of the corner."""
    kept: bool


def corner(weight: Tensor, granularity: str) -> list[Cell]:
    """Return the first outputs and inputs of a matrix as cells; all of it decides what is kept."""
    mask = HOLES[granularity](weight)[:ROWS, :COLUMNS]
    size = weight[:ROWS, :COLUMNS].abs()
    size = size / size.max()
    return [
        Cell(output=o, input=i, size=float(size[o, i]), kept=bool(mask[o, i]))
        for o in range(mask.shape[0])
        for i in range(mask.shape[1])
    ]
