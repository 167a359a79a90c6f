"""
Some whole rows of a layer, rounded as a stand-in for all of it.

Which grid is best may depend on every weight that is kept. In a sample it is fitted anew: at a few
shares of gone weights only, as it changes slowly in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress_core.clipping import SHARES
from compress_core.fit_grid import fit_linear
from compress_core.grids import Grid, as_rows, from_rows, from_zero
from compress_core.quantize import weight_grid
from compress_core.recipe import Quantize
from compress_core.sketch import LayerSketch
from compress_core.sketch_mass import mass

Array = NDArray[Any]

LONG = 1 << 11
"""Weights of a row that a sample has at most."""
TRIED = SHARES[::2]
"""Parts of the full range that mse calibration is tried with."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """Weights of some outputs (rows x inputs), and what is known of all outputs."""

    layer: LayerSketch
    folded: Tensor
    """As they are rounded (float32)."""
    sizes: Tensor
    """|w| as they are pruned."""
    ends: Tensor
    """Smallest and largest weight of every output of the layer, folded (outputs x 2)."""
    end_sizes: Tensor
    """|w| of these."""

    @property
    def part(self) -> float:
        """Fraction of the layer that is here."""
        return self.sizes.numel() / self.layer.count

    def left(self, threshold: float, how: Quantize) -> Tensor:
        """Return what a grid is fitted to: zero where gone, with the ends that all rows share."""
        found = torch.where(self.sizes >= threshold, self.folded, 0.0)
        if how.granularity != "per_tensor":
            return found
        low_high = torch.stack(self._ends_left(threshold).aminmax())
        return torch.cat([found.flatten(), low_high])[None]

    def _ends_left(self, threshold: float) -> Tensor:
        return torch.where(self.end_sizes >= threshold, self.ends, 0.0)

    def grids(self, how: Quantize, bits: int, thresholds: Sequence[float]) -> list[Grid]:
        """Fit a grid to what each threshold leaves."""
        how = replace(how, weight_bits=bits)
        lefts = [self.left(threshold, how) for threshold in thresholds]
        if how.calibration == "mse" and how.grid != "codebook":
            lefts = _least_error(lefts, how, bits)
            how = replace(how, calibration="minmax")
        return [weight_grid(left, how) for left in lefts]


def _least_error(lefts: list[Tensor], how: Quantize, bits: int) -> list[Tensor]:
    """Clip to the ranges whose grids have the least error, all ranges tried at once."""
    group = how.group_size if how.granularity == "per_group" else None
    rows = [as_rows(left, group) for left in lefts]
    low, high = rows[0].amin(1).clamp(max=0), rows[0].amax(1).clamp(min=0)
    tried = [(end[:, None] * TRIED).flatten() for end in (low, high)]
    grid = fit_linear(tried[0], tried[1], bits, how.scheme, axis=0)
    wide = rows[0].repeat_interleave(len(TRIED), 0)
    errors = (grid.decode(grid.encode(wide)) - wide).square()
    errors = errors.reshape(len(low), len(TRIED), -1)
    kept = torch.stack([row != 0 for row in rows], 2).float()
    best = TRIED[torch.bmm(errors, kept).argmin(1)]
    clipped = [
        row.clamp((low * share)[:, None], (high * share)[:, None])
        for row, share in zip(rows, best.T, strict=True)
    ]
    return [from_rows(row, lefts[0].shape, group) for row in clipped]


@lru_cache(maxsize=256)
def sample(layer: LayerSketch, most: int) -> Sample:
    """
    Return about *most* weights of a layer at the most; all of them where they are no more.

    They are whole rows, of every size once folded; long ones are cut, so that there are several.
    """
    weights, factors, ends = layer.weights, layer.factors, layer.ends
    if weights.size > most:
        width = min(weights.shape[1], LONG)
        count = min(len(weights), max(1, most // width))
        by_size = np.argsort(np.abs(factors) * np.abs(ends).max(1), kind="stable")
        chosen = by_size[((np.arange(count) + 0.5) * len(weights) / count).astype(np.int64)]
        weights, factors = weights[chosen, :width], factors[chosen]
        if width < layer.weights.shape[1]:
            # Its ends make the grid of a row.
            weights[:, :2] = ends[chosen]
    return Sample(
        layer=layer,
        folded=torch.from_numpy(weights * factors[:, None]),
        sizes=torch.from_numpy(np.abs(weights)),
        ends=torch.from_numpy((ends * layer.factors[:, None]).astype(np.float32)),
        end_sizes=torch.from_numpy(np.abs(ends)),
    )


def bits_at(drawn: Sample, how: Quantize, bits: int, shares: Array, starts: Array) -> Array:
    """
    Return the entropy of the codes of the whole layer, in bits, when these shares of it are gone.

    From each of *starts* on (ascending, as shares are) the grid is one that is fitted there. Codes
    are counted from zero, in affine grids as well: files say by row which that is.
    """
    layer = drawn.layer
    thresholds = layer.threshold(shares * layer.count)
    gone = layer.gone(thresholds)
    grids = drawn.grids(how, bits, layer.threshold(starts * layer.count).tolist())
    places = np.searchsorted(shares, [*starts, np.inf])
    found = []
    for number, grid in enumerate(grids):
        at = slice(places[number], places[number + 1])
        if at.start < at.stop:
            found.append(_bits_of(drawn, grid, thresholds[at], gone[at]))
    return np.concatenate(found)


def _bits_of(drawn: Sample, grid: Grid, thresholds: Array, gone: Array) -> Array:
    """
    Round to one grid; *gone* weights of the layer lie below each threshold.

    Few weights have fewer different codes than many (Miller, 1955): what that hides is added.
    """
    codes = from_zero(grid, grid.encode(drawn.folded))
    first = min(int(codes.min()), 0)
    width = max(int(codes.max()), 0) - first + 1
    at = _blocks(drawn, tuple(thresholds.tolist())) * width + (codes.numpy().ravel() - first)
    found = np.bincount(at, minlength=width * (len(thresholds) + 1)).reshape(-1, width)
    kept = found[::-1].cumsum(0)[-2::-1]
    many = np.maximum(kept.sum(1), 1)
    stay = (drawn.layer.count - gone) / many
    amounts = kept * stay[:, None]
    amounts[:, -first] += drawn.layer.count - amounts.sum(1)
    hidden = (1 - drawn.part) * stay * np.minimum(((kept > 0).sum(1) - 1) / (2 * np.log(2)), many)
    bits: Array = mass(drawn.layer.count) - mass(amounts).sum(1) + hidden
    return bits


@lru_cache(maxsize=256)
def _blocks(drawn: Sample, thresholds: tuple[float, ...]) -> Array:
    """Return for each weight the first threshold that it is smaller than."""
    edges = np.array(thresholds, np.float32)
    return np.searchsorted(edges, drawn.sizes.numpy().ravel(), side="right").astype(np.int32)
