"""Numbers that say where they come from: measured on so many samples, or estimated."""

from dataclasses import dataclass
from math import nan, sqrt
from typing import Literal

Z95 = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A fraction counted on *n* samples, with its 95 % interval."""

    value: float
    n: int
    low: float
    high: float
    kind: Literal["measured"] = "measured"


UNMEASURED = Measured(nan, 0, 0.0, 1.0)
"""What is said of a fraction before anything was counted: it can be any."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value that nothing was run for, with the band it is expected in."""

    value: float
    low: float
    high: float
    kind: Literal["estimated"] = "estimated"


def proportion(successes: int, n: int) -> Measured:
    """
    Return successes / n with its Wilson score interval (Wilson, 1927).

    Raises ValueError when there is nothing to count.
    """
    if n < 1:
        raise ValueError("An accuracy needs at least one sample; this part is empty.")
    p, z2 = successes / n, Z95 * Z95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # At 0 and n the interval ends at p, which rounding would miss by a hair.
    return Measured(p, n, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)))
