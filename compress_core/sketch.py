"""
The sketch of a layer: its weights in order of size, in few enough bins to be asked at once.

It is made once, in one pass over chunks of the weights, and then answers what a threshold removes
and which threshold removes a share, without looking at a weight again. A layer of few weights has
a bin for each of them and answers exactly; of more, bins are as narrow as 1 / 1024 of the weights
in them. What rounding does on top is asked of `sketch_curve`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.sketch_cells import Cells
from compress_core.sketch_mass import before

Array = NDArray[Any]

GUARD = 0.005
"""Share of every layer that thresholds leave, as in `masks`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerSketch:
    """Weights of one layer by |w|, smallest first. Bins do not overlap; one may be a point."""

    name: str
    shape: tuple[int, ...]
    low: Array
    """Where each bin begins (float32)."""
    high: Array
    """Where it ends: equal to *low* where all its weights are the same."""
    counts: Array
    """Weights in each bin (int32)."""
    negative: Array
    """How many of them are below zero."""
    energies: Array
    """Sum of w^2 in each bin (float64)."""
    factors: Array
    """What folding batch norms multiplies each output's weights by."""
    ends: Array
    """Smallest and largest weight of each output (outputs x 2)."""
    weights: Array | None = None
    """Outputs x inputs: what was sketched, where it is few enough to look at again."""
    cells: Mapping[str, Cells] = field(default_factory=dict)
    """Granularity -> the same weights by what rounding makes of them, where they are many."""
    smooth: bool = True
    """Whether weights are spread within bins; values that come in steps are not."""
    bytes_seen: Array | None = None
    """How often each value of the two lowest bytes occurs in weights that are not zero (2 x 256),
    where weights are many."""

    @cached_property
    def below(self) -> Array:
        """Number of weights before each bin, and of all at the end."""
        return before(self.counts)

    @cached_property
    def negative_below(self) -> Array:
        """Number of negative weights before each bin, and of all at the end."""
        return before(self.negative)

    @cached_property
    def energy_below(self) -> Array:
        """Sum of w^2 before each bin, and of all at the end."""
        return before(self.energies)

    @cached_property
    def order(self) -> Array:
        """Where in the layer the weight of each bin is; of layers that are exact."""
        assert self.weights is not None
        return np.argsort(np.abs(self.weights).ravel(), kind="stable").astype(np.int32)

    @property
    def folded(self) -> Array:
        """The weights as they are rounded: outputs x inputs, batch norms folded."""
        assert self.weights is not None
        return self.weights * self.factors[:, None]

    @property
    def count(self) -> int:
        """Number of weights."""
        return int(self.below[-1])

    @property
    def most(self) -> int:
        """How many weights a threshold may remove."""
        return self.count - max(1, int(GUARD * self.count))

    def gone(self, threshold: float | Array) -> Array:
        """Return how many weights are smaller than *threshold* (fractions where bins are cut)."""
        return self._until(threshold, self.below)

    def negative_gone(self, threshold: float | Array) -> Array:
        """Return how many of these are negative."""
        return self._until(threshold, self.negative_below)

    def removed(self, threshold: float | Array) -> Array:
        """Return how many weights pruning below *threshold* removes: `gone`, guard kept."""
        return np.minimum(self.gone(threshold), self.most)

    def threshold(self, gone: float | Array) -> Array:
        """Return the least threshold below which *gone* weights lie, as far as ties allow."""
        at, part = self._bin(gone)
        low, high = self.low[at].astype(np.float64), self.high[at].astype(np.float64)
        beyond = float(np.nextafter(self.high[-1], np.float32(np.inf)))
        return np.where(np.asarray(gone) >= self.count, beyond, low + part * (high - low))

    def energy(self, gone: float | Array) -> Array:
        """Return the sum of squares of the *gone* smallest weights."""
        at, part = self._bin(gone)
        carried: Array = self.energy_below[at] + part * self.energies[at]
        return carried

    def _bin(self, gone: float | Array) -> tuple[Array, Array]:
        """Return the bin in which the weight of this rank lies, and which part lies before it."""
        gone = np.clip(np.asarray(gone, np.float64), 0, self.count)
        at = np.searchsorted(self.below, gone, side="right") - 1
        at = np.clip(at, 0, len(self.counts) - 1)
        return at, (gone - self.below[at]) / self.counts[at]

    def _until(self, threshold: float | Array, sums: Array) -> Array:
        """Return what *sums* amounts to below a threshold, bins being even inside."""
        # Pruning compares in float32 as well.
        sizes = np.asarray(threshold, np.float32)
        at = np.searchsorted(self.high, sizes, side="left")
        inside = np.minimum(at, len(self.high) - 1)
        low, high = self.low[inside].astype(np.float64), self.high[inside].astype(np.float64)
        part = np.clip((sizes - low) / np.where(high > low, high - low, np.inf), 0, 1)
        rise = np.where(at < len(self.high), sums[inside + 1] - sums[inside], 0)
        found: Array = sums[at] + part * rise
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Sketch:
    """The sketches of all layers, and what is asked of all of them together."""

    layers: tuple[LayerSketch, ...]
    fp32_bytes: int
    """Of the whole network: every stored value at four bytes."""
    others: int
    """Values that are not in weights of layers: biases, batch norms."""
    folded_others: int
    """The same once batch norms are folded."""

    @property
    def count(self) -> int:
        """Number of weights."""
        return sum(layer.count for layer in self.layers)

    def layer(self, name: str) -> LayerSketch:
        """Return the sketch of one layer; raises KeyError for a name that is none."""
        return {layer.name: layer for layer in self.layers}[name]

    @cached_property
    def together(self) -> LayerSketch:
        """All weights as if they were one layer, their bins merged once by size."""
        return merge(self.layers)

    def threshold(self, gone: float | Array) -> Array:
        """Return the one threshold for all layers that removes *gone* weights, guards kept."""
        return self._droppable.threshold(gone)

    @cached_property
    def _droppable(self) -> LayerSketch:
        """All weights but the guarded, which stay however small they are."""
        return merge([_without_guard(layer) for layer in self.layers])


BINS = ("low", "high", "counts", "negative", "energies")


def merge(layers: Sequence[LayerSketch]) -> LayerSketch:
    """Return the bins of several layers as one sketch, sorted once."""
    bins: dict[str, Any] = {
        what: np.concatenate([getattr(layer, what) for layer in layers]) for what in BINS
    }
    order = np.argsort(bins["high"], kind="stable")
    return LayerSketch(
        name="*", shape=(int(bins["counts"].sum()),), factors=np.ones(0), ends=np.zeros((0, 2)),
        **{what: values[order] for what, values in bins.items()},
    )  # fmt: skip


def _without_guard(layer: LayerSketch) -> LayerSketch:
    last = int(np.searchsorted(layer.below, layer.most, side="left"))
    bins = {what: getattr(layer, what)[:last].copy() for what in BINS}
    if last:
        bins["counts"][-1] -= layer.below[last] - layer.most
    return replace(layer, **bins)
