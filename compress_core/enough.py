"""When a map has measured enough combinations: once it foresees those that were left out."""

import numpy as np
from scipy.stats import spearmanr

from compress_core.estimate import estimator
from compress_core.sensitivity_map import SensitivityMap

NEAR = 0.1
"""Accuracy that a recipe of interest loses at most."""
ERROR, RANK = 0.012, 0.93
"""Mean error among these, and rank correlation among all: better than what is promised (0.015 and
0.9), since what was left out decides when to stop."""


def enough(measured: SensitivityMap) -> bool:
    """
    Tell whether recipes that were left out are foreseen well enough.

    The mean error must lie a standard error below `ERROR`, so few recipes of interest are not
    enough, however lucky their estimates are.
    """
    expert = estimator(measured)
    known = np.array([c.harm.accuracy for c in measured.combinations])
    errors = np.abs(expert.residuals)[known >= measured.original.accuracy - NEAR]
    if len(errors) < 2:
        return False
    surely = errors.mean() + errors.std(ddof=1) / np.sqrt(len(errors))
    return bool(surely <= ERROR and spearmanr(expert.left_out, known).statistic >= RANK)
