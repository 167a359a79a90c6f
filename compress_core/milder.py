"""
Milder and harsher versions of what is done to layers: what a slider passes before and behind it.

Whoever prunes more, or rounds to fewer bits, must not be promised more. What is the least of all
milder versions never rises on the way, nor does what is the most of all harsher ones; one lies too
low wherever an estimate wavers, the other too high. Halfway between them neither is favoured.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from compress_core.harms import Array, Harms
from compress_core.sensitivity_map import Setting

WEAKER: dict[Setting, tuple[float, ...]] = {
    "sparsity": (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0),
    "weight_bits": (4.0**-0.5, 4.0**-1),
    "activation_bits": (4.0**-0.5, 4.0**-1),
}
"""
Multiples of its strength that each setting has all over the network; a bit is a factor of 4. Shares
are pruned in small steps, so there everything on the way counts; of bits the next one does.
"""
STRONGER: dict[Setting, tuple[float, ...]] = {
    "sparsity": (1 / 0.9, 1 / 0.8, 1 / 0.7, 1 / 0.6, 1 / 0.5),
    "weight_bits": (4.0**0.5,),
    "activation_bits": (4.0**0.5,),
}
"""The same of harsher versions; none is harsher than what was measured."""


def milder(harms: Harms, strong: Array) -> Array:
    """
    Return *strong* and then its milder versions: versions x recipes x curves.

    *strong*: how strongly recipes treat layers, one a row, see `Harms.strong`.
    """
    return _versions(harms, strong, WEAKER)


def harsher(harms: Harms, strong: Array) -> Array:
    """Return *strong* and then its harsher versions, as `milder` does."""
    return _versions(harms, strong, STRONGER)


def _versions(harms: Harms, strong: Array, times: Mapping[Setting, Sequence[float]]) -> Array:
    kinds = np.array([kind for _, kind in harms.curves])
    most = np.maximum(strong, [curve.strongest for curve in harms.curves.values()])
    versions = [strong]
    for kind, factors in times.items():
        for factor in factors:
            version = np.where(kinds == kind, np.minimum(factor * strong, most), strong)
            if kind == "sparsity":
                version = _round_what_stays(harms, strong, version, most)
            versions.append(version)
    return np.array(versions)


def _round_what_stays(harms: Harms, strong: Array, version: Array, most: Array) -> Array:
    """Let rounding do more where fewer weights are pruned, and less where more are."""
    found = version.copy()
    columns = {key: column for column, key in enumerate(harms.curves)}
    for (layer, kind), column in columns.items():
        pruned = columns.get((layer, "sparsity"))
        if kind == "weight_bits" and pruned is not None:
            # The strength of pruning is the logarithm of how many times fewer weights are left.
            kept = np.exp(strong[:, pruned] - version[:, pruned])
            found[:, column] = np.minimum(kept * strong[:, column], most[:, column])
    return found
