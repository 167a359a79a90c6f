"""
The sketch of a layer: its weights in order of size, to be asked at once.

It is made once, in one pass over chunks of the weights, and then answers what a threshold removes
and which threshold removes a share, without looking at a weight again. A layer of few weights has
all of them in order and answers exactly; of more, bins are as narrow as 1 / 1024 of the weights
in them. What rounding does on top is asked of `sketch_answer` and `sketch_curve`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.sketch_cells import Cells
from compress_core.sketch_frame import Frame
from compress_core.sketch_order import Order, Points, merge

Array = NDArray[Any]

GUARD = 0.005
"""Share of every layer that thresholds leave, as in `masks`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerSketch:
    """Weights of one layer by |w|, and what is needed to foresee rounding them."""

    name: str
    shape: tuple[int, ...]
    order: Order
    factors: Array
    """What folding batch norms multiplies each output's weights by."""
    weights: Array
    """Outputs x inputs: the network's own, not copied. Where they are many, they are only looked
    at again when a grid is new that cells are not made for yet."""
    cells: Mapping[Frame, Cells] = field(default_factory=dict)
    """The same weights by what usual rounding makes of them, where they are many."""
    folded_below: Array | None = None
    """Sum of squares before each bin, batch norms folded, and of all; where weights are many."""
    smooth: bool = True
    """Whether weights are spread within bins; values that come in steps are not."""
    bytes_seen: Array | None = None
    """How often each value of the two lowest bytes occurs in weights that are not zero (2 x 256),
    where weights are many."""

    @property
    def whole(self) -> bool:
        """Whether weights are few: in order, and rounded again when asked."""
        return isinstance(self.order, Points)

    @property
    def folded(self) -> Array:
        """The weights as they are rounded, batch norms folded; made anew, as many as they are."""
        return self.weights * self.factors[:, None]

    @cached_property
    def ends(self) -> Array:
        """Smallest and largest weight of each output (outputs x 2), not folded."""
        return np.stack([self.weights.min(1), self.weights.max(1)], 1)

    @property
    def count(self) -> int:
        """Number of weights."""
        return self.order.count

    @property
    def most(self) -> int:
        """How many weights a threshold may remove."""
        return self.count - max(1, int(GUARD * self.count))

    def gone(self, threshold: float | Array) -> Array:
        """Return how many weights are smaller than *threshold* (fractions where bins are cut)."""
        return self.order.gone(threshold)

    def removed(self, threshold: float | Array) -> Array:
        """Return how many weights pruning below *threshold* removes: `gone`, guard kept."""
        return np.minimum(self.gone(threshold), self.most)

    def threshold(self, gone: float | Array) -> Array:
        """Return the least threshold below which *gone* weights lie, as far as ties allow."""
        return self.order.threshold(gone)

    def energy(self, gone: float | Array) -> Array:
        """Return the sum of squares of the *gone* smallest weights."""
        return self.order.energy(gone)


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
    def together(self) -> Order:
        """All weights in one order, merged once."""
        return merge([layer.order for layer in self.layers])

    def threshold(self, gone: float | Array) -> Array:
        """Return the one threshold for all layers that removes *gone* weights, guards kept."""
        return self._droppable.threshold(gone)

    @cached_property
    def _droppable(self) -> Order:
        """All weights but the guarded, which stay however small they are."""
        return merge([layer.order.first(layer.most) for layer in self.layers])
