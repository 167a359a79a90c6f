"""A histogram of a stream whose range is not known before: memory does not grow with the stream."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

BINS = 2048
MOST = 1 << 17
"""Of a larger batch, so many values evenly apart stand for all; its extremes are exact."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The extremes of a stream, where nothing else is asked for."""

    low: float = float("inf")
    high: float = float("-inf")

    def add(self, values: Tensor) -> "Ends":
        """Return the ends with *values* looked at."""
        low, high = extremes(values)
        return Ends(min(self.low, low), max(self.high, high))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StreamingHistogram:
    """Counts over [-reach, reach] in `BINS` equal bins, and the exact extremes."""

    reach: float
    counts: Tensor
    """float64, `BINS` of them."""
    low: float
    high: float

    @property
    def centres(self) -> Tensor:
        """Middle of each bin, float64."""
        return (torch.arange(BINS, dtype=torch.float64) + 0.5) * (
            2 * self.reach / BINS
        ) - self.reach

    def add(self, values: Tensor) -> "StreamingHistogram":
        """Return the histogram with *values* counted in."""
        low, high = extremes(values)
        wide = self
        while max(-low, high) > wide.reach:
            wide = wide._doubled()
        # Odd, so that it does not fall in step with rows and channels.
        stride = (values.numel() // MOST) | 1
        counted = _flat(values.detach())[::stride].float()
        counts = torch.histc(counted, BINS, -wide.reach, wide.reach).double() * stride
        return replace(
            wide,
            counts=wide.counts + counts,
            low=min(self.low, low),
            high=max(self.high, high),
        )

    def _doubled(self) -> "StreamingHistogram":
        """Return the same counts over twice the range: pairs of bins become one."""
        counts = torch.zeros_like(self.counts)
        counts[BINS // 4 : -BINS // 4] = self.counts.reshape(-1, 2).sum(1)
        return replace(self, reach=2 * self.reach, counts=counts)


def extremes(values: Tensor) -> tuple[float, float]:
    """Return the least and the largest of *values*."""
    # Values in a row: over channels that lie last, aminmax takes twenty times as long.
    low, high = _flat(values).aminmax()
    return float(low), float(high)


def _flat(values: Tensor) -> Tensor:
    """Return all values in a row, as they lie: nothing is copied for pictures, channels last."""
    last = values.dim() == 4 and values.is_contiguous(memory_format=torch.channels_last)
    return (values.permute(0, 2, 3, 1) if last else values).flatten()


def histogram(values: Tensor) -> StreamingHistogram:
    """Begin a histogram with *values*; their largest magnitude is its first range."""
    reach = max(float(values.abs().max()), 1e-12)
    empty = StreamingHistogram(
        reach=reach,
        counts=torch.zeros(BINS, dtype=torch.float64),
        low=float("inf"),
        high=float("-inf"),
    )
    return empty.add(values)


def histograms(rows: Tensor) -> tuple[Tensor, Tensor]:
    """
    Return the centres and the counts of the bins of each row (rows x `BINS`, float64).

    They are those of `histogram`, of which thousands one after the other take seconds.
    """
    stride = (rows.shape[1] // MOST) | 1
    reach = rows.double().abs().amax(1, keepdim=True).clamp(min=1e-12)
    low, high = (-reach).float(), reach.float()
    # As torch.histc does, in float32.
    shares = (rows[:, ::stride].float() - low) / (high - low)
    at = (shares * BINS).long().clamp(max=BINS - 1)
    counts = torch.zeros(len(rows), BINS, dtype=torch.float64)
    counts.scatter_add_(1, at, torch.full(at.shape, float(stride), dtype=torch.float64))
    centres = (torch.arange(BINS, dtype=torch.float64) + 0.5) * (2 * reach / BINS) - reach
    return centres, counts
