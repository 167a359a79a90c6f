"""
Milder versions of what is done to layers: what a slider passes on its way there.

Whoever prunes more, or rounds to fewer bits, must not be promised more. An estimate that is nowhere
above that of a milder version keeps to it.
"""

import numpy as np

from compress_core.harms import Array, Harms
from compress_core.sensitivity_map import Setting

WEAKER: dict[Setting, tuple[float, ...]] = {
    "sparsity": (0.75, 0.5, 0.3, 0.15, 0.0),
    "weight_bits": (4.0**-1, 4.0**-2, 4.0**-3, 4.0**-5, 0.0),
    "activation_bits": (4.0**-1, 4.0**-2, 4.0**-3, 4.0**-5, 0.0),
}
"""Fractions of its strength that each setting has all over the network; a bit is a factor of 4."""


def milder(harms: Harms, strong: Array) -> Array:
    """Return *strong* (one for each curve, see `Harms.strong`) and then its milder versions."""
    kinds = np.array([kind for _, kind in harms.curves])
    versions = [strong]
    for kind, fractions in WEAKER.items():
        for fraction in fractions:
            version = np.where(kinds == kind, fraction * strong, strong)
            if kind == "sparsity":
                version = _round_what_stays(harms, strong, version)
            versions.append(version)
    return np.array(versions)


def _round_what_stays(harms: Harms, strong: Array, version: Array) -> Array:
    """Let rounding do more where fewer weights are pruned, within what was measured of it."""
    found = version.copy()
    columns = {key: column for column, key in enumerate(harms.curves)}
    for (layer, kind), curve in harms.curves.items():
        pruned = columns.get((layer, "sparsity"))
        if kind == "weight_bits" and pruned is not None:
            column = columns[layer, kind]
            # The strength of pruning is the logarithm of how many times fewer weights are left.
            more = strong[column] * np.exp(strong[pruned] - version[pruned])
            found[column] = max(strong[column], min(more, curve.strongest))
    return found
