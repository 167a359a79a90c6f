"""
Carry over what was measured at some places to others: the nearer, the more.

Kriging (Matheron, 1963), also known as Gaussian process regression, around zero: what is far from
everything measured is said to be zero. How alike two places are falls with their distance as
exp(-distance / reach), the roughest of Matérn's functions (order 1/2): near what was measured it
changes at once, as whether an answer is right does, and further off it changes little.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import solve

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False, slots=True)
class Kriging:
    """Foretells values at places. See `krige`."""

    places: Array
    """Where something was measured: places x dimensions."""
    weights: Array
    """What each of these places adds where it is."""
    reach: float

    def __call__(self, asked: Array) -> Array:
        """Return the values expected at the places *asked*: places x dimensions."""
        foretold: Array = alike(asked, self.places, self.reach) @ self.weights
        return foretold


def krige(places: Array, values: Array, reach: float, doubt: float) -> Kriging:
    """
    Learn from *values* that were measured at *places* (places x dimensions).

    *reach*: the distance over which values stay alike. *doubt*: variance of the noise in a value
    over the variance of what is to be foretold; with 0 the values themselves come back.
    """
    noise = doubt * np.eye(len(places))
    weights = solve(alike(places, places, reach) + noise, values, assume_a="pos")
    return Kriging(places, weights, reach)


def alike(ones: Array, others: Array, reach: float) -> Array:
    """Return how alike places are: 1 for the same, towards 0 for far ones; ones x others."""
    # In place: it is asked for millions of pairs at once.
    found: Array = (-2 * ones) @ others.T
    found += (ones**2).sum(1)[:, None]
    found += (others**2).sum(1)
    np.sqrt(np.maximum(found, 0.0, out=found), out=found)
    found /= -reach
    return np.exp(found, out=found)
