"""
Find the plan that codes a tensor in the fewest bits: only the writer needs this.

Bits are not counted by coding but computed from counts: coding symbols one by one while learning
costs what a Dirichlet-multinomial distribution says, whatever their order.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from compress_core.ans import Array
from compress_core.contexts import (
    CLASSES,
    LAYOUTS,
    PATTERNS,
    STARTS,
    Plan,
    Shape3,
    combine,
    groups,
    scaled,
    weights,
)
from compress_core.symbols import COUNT, LEVELS, SPREADS, even, spikes

FEW = 256
"""Symbols that are not worth sorting into classes."""
STEPS = (0.5, 1.0)
"""Octaves of magnitude from one class to the next."""
ROWS_AND_INPUTS = LAYOUTS.index(((0,), (1,)))
"""The layout whose sizes differ most, and most need classes that are far apart."""
ENOUGH = 1 << 17
"""Symbols that tell which layout is the best; of more, rows evenly apart stand for all."""
USUAL = STARTS.index((512, False))
"""The start at which layouts are compared."""


class _Weights(NamedTuple):
    """What a plan is for; symbols and magnitudes are outputs x inputs x positions."""

    symbols: Array
    magnitudes: Array
    center: int
    size: int
    pattern: int


def choose_plan(symbols: Array, magnitudes: Array, shape: Shape3, center: int, size: int) -> Plan:
    """Return the best plan; rows, inputs, ... are alike when their *magnitudes* are."""
    kept = (symbols != center).reshape(shape)
    pattern = _find_pattern(kept)
    whole = _Weights(symbols.reshape(shape), magnitudes.reshape(shape), center, size, pattern)
    # Where most are pruned, classes learn from few symbols and should be few.
    first, second = STEPS if kept.mean() > 0.5 else STEPS[::-1]
    layouts = _candidates(shape)
    if len(layouts) == 1:
        return _with_best_start(*_planned(whole, layouts[0], first), center)
    every = max(1, min(len(kept), symbols.size // ENOUGH))
    few = whole._replace(symbols=whole.symbols[::every], magnitudes=whole.magnitudes[::every])
    trials = [_Trial(few, every, layout, first) for layout in layouts]
    again = {min(trials, key=_bits_of).layout, ROWS_AND_INPUTS}.intersection(layouts[1:])
    trials += [_Trial(few, every, layout, second) for layout in sorted(again)]
    best = min(trials, key=_bits_of)
    planned = best.planned if every == 1 else _planned(whole, best.layout, best.step)
    return _with_best_start(*planned, center)


class _Trial:
    """One layout, and what symbols and classes cost by it if one row stands for *every* rows."""

    def __init__(self, few: _Weights, every: int, layout: int, step: float) -> None:
        self.layout, self.step = layout, step
        self.planned = plan, counts = _planned(few, layout, step)
        priors = weights(plan, few.center, few.size, len(counts))
        self.bits = every * float(_bits(counts, priors[None])[0])
        for axes, classes in zip(LAYOUTS[layout], plan.classes, strict=True):
            times = every if 0 in axes else 1
            self.bits += times * learning_bits(np.bincount(classes, minlength=CLASSES))


def _bits_of(trial: _Trial) -> float:
    return trial.bits


def _planned(of: _Weights, layout: int, step: float) -> tuple[Plan, Array]:
    """Return a plan and the counts of symbols (contexts x symbols) in its contexts."""
    shape = of.symbols.shape
    classes = _classify(of.magnitudes, LAYOUTS[layout], step)
    counts = _count(combine(layout, classes, shape), of.symbols.ravel(), of.size)
    if of.pattern:
        counts[:, of.center] = 0
    shares, spreads = _fit(counts, of.center)
    plan = Plan(
        layout=layout, classes=classes, pattern=of.pattern,
        start=USUAL, shares=shares, spreads=spreads,
    )  # fmt: skip
    return plan, counts


def learning_bits(counts: Array) -> float:
    """Return what symbols with these counts cost when nothing is known of them before, bits."""
    return float(_bits(counts[None], even(len(counts))[None, None])[0])


def _with_best_start(plan: Plan, counts: Array, center: int) -> Plan:
    contexts, size = counts.shape
    shapes = {b: spikes(center, plan.shares, plan.spreads, size, b) for b in (False, True)}
    options = [np.tile(even(size), (contexts, 1))]
    options += [scaled(shapes[bell], worth) for worth, bell in STARTS[1:]]
    bits = _bits(counts, np.stack(options))
    bits[1:] += 2 * contexts * np.log2(LEVELS)
    start, none = int(bits.argmin()), np.zeros(0, np.intp)
    if start:
        return replace(plan, start=start)
    return replace(plan, start=0, shares=none, spreads=none)


def _bits(counts: Array, priors: Array) -> Array:
    """
    Return the cost of learning while coding, for each of several *priors* (weights).

    It is -log2 of a Dirichlet-multinomial's probability, whose parameters are weights / COUNT.
    """
    some = counts > 0
    before = np.concatenate([priors[:, some], priors.sum(2)], axis=1) / COUNT
    seen = np.concatenate([counts[some], counts.sum(1)])
    rise = torch.lgamma(torch.from_numpy(np.stack([before + seen, before])))
    nats = (rise[0] - rise[1]).numpy()
    signs = np.where(np.arange(len(seen)) < len(seen) - len(counts), -1, 1)
    bits: Array = nats @ signs / np.log(2)
    return bits


def _candidates(shape: Shape3) -> list[int]:
    """Return the layouts that are worth trying for a tensor."""
    rows, inputs, positions = shape
    if rows * inputs * positions < FEW or inputs == 1:
        return [0]
    return [0, 1, 2, 3, 4, 5] if positions > 1 else [0, 1, 2, 3]


def _classify(
    magnitudes: Array, layout: tuple[tuple[int, ...], ...], step: float
) -> tuple[Array, ...]:
    """Sort rows, columns, ... by their mean magnitude, *step* octaves to a class."""
    classes = []
    for done, axes in enumerate(layout, 1):
        others = tuple(axis for axis in range(3) if axis not in axes)
        mean = magnitudes.mean(others, keepdims=True)
        some = mean > 0
        logs = np.log2(np.where(some, mean, 1))
        top = logs[some].max() if some.any() else 0
        steps = np.clip(np.rint((logs - top) / step), 2 - CLASSES, 0) + CLASSES - 1
        classes.append(np.where(some, steps, 0).astype(np.intp).ravel())
        if done < len(layout):
            magnitudes = magnitudes / np.where(some, mean, 1)
    return tuple(classes)


def _count(contexts: Array, symbols: Array, size: int) -> Array:
    """Return contexts x symbols counts; what is certainly the center is not counted."""
    rows = int(contexts.max()) + 1
    # Numbers as narrow as they can be: most of the time goes into moving them.
    places = np.multiply(contexts, size, dtype=np.min_scalar_type(-rows * size))
    places += symbols.astype(places.dtype)
    return np.bincount(places, minlength=rows * size).reshape(rows, size)[1:]


def _fit(counts: Array, center: int) -> tuple[Array, Array]:
    """Return the levels of share and spread that describe each row of counts."""
    total, middle = counts.sum(1), counts[:, center]
    shares = np.minimum(LEVELS * middle // np.maximum(total, 1), LEVELS - 1)
    distances = counts @ np.abs(np.arange(counts.shape[1]) - center)
    mean = distances / np.maximum(total - middle, 1)
    spreads = np.abs(SPREADS[:, None] - mean).argmin(0)
    return shares, spreads


def _find_pattern(kept: Array) -> int:
    """Return the index of the strictest n:m rule that the kept weights follow."""
    inputs = kept.shape[1]
    share = kept.mean()
    for index, (n, m) in list(enumerate(PATTERNS))[1:]:
        if inputs >= m and share <= n / m and groups(kept, m).sum(2).max() <= n:
            return index
    return 0
