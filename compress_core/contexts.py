"""
Which symbols of a tensor share a distribution: a plan, and how to pass symbols by it.

Weights differ in size by row (output), by column (input) and by kernel. Rows and columns are
sorted into classes by how large their values are; telling the classes costs a few bits, and symbols
among their like cost less than mixed with others. So files go below the entropy of single symbols.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from compress_core.ans import Array, Coder
from compress_core.symbols import COUNT, LEVELS, adaptive, contextual, even, small, spikes

Shape3 = tuple[int, int, int]
"""Outputs, inputs, positions of a kernel; 1 where a tensor has fewer axes."""

LAYOUTS: tuple[tuple[tuple[int, ...], ...], ...] = (
    (),
    ((0,),),
    ((1,),),
    ((0,), (1,)),
    ((0,), (1, 2)),
    ((0, 1),),
)
"""Which axes have classes: none, rows, inputs, rows and inputs, rows and columns, kernels."""
CLASSES = 10
"""Class 0 holds nothing but the center; 1 to 9 are sizes."""
PATTERNS: tuple[tuple[int, int], ...] = ((0, 0), (1, 4), (2, 4), (4, 8))
"""(n, m): at most n of each m inputs in a row differ from the center; (0, 0): no such rule."""
STARTS: tuple[tuple[int, bool], ...] = (
    (0, False), (8, False), (32, False), (128, False), (512, False), (2048, False),
    (128, True), (512, True), (2048, True),
)  # fmt: skip
"""(How many symbols a prior is worth, bell or geometric); 0 is the prior that knows nothing."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Plan:
    """How the symbols of one tensor are modelled; a file tells it before the symbols."""

    layout: int
    classes: tuple[Array, ...]
    pattern: int
    start: int
    """Index into `STARTS`."""
    shares: Array
    """For each context the level of the center's share, and below, of the others' spread."""
    spreads: Array


def shape3(shape: tuple[int, ...]) -> Shape3:
    """Return outputs x inputs x everything else."""
    rows, inputs = (*shape, 1, 1)[:2]
    return rows, inputs, prod(shape[2:])


def pass_symbols(
    coder: Coder, symbols: Array | None, shape: Shape3, center: int, size: int, plan: Plan | None
) -> Array:
    """Pass the symbols 0..size - 1 of a tensor (flat), and before them their *plan*."""
    plan, contexts = _pass_plan(coder, plan, shape)
    open_ = contexts > 0
    n, m = PATTERNS[plan.pattern]
    if n:
        given = None if symbols is None else symbols != center
        open_ &= _pass_pattern(coder, given, shape, n, m)
    chosen = np.flatnonzero(open_)
    given = None if symbols is None else symbols[chosen]
    priors = weights(plan, center, size, int(contexts.max()))
    passed = contextual(coder, given, contexts[chosen] - 1, priors)
    if symbols is not None:
        return symbols
    found = np.full(len(contexts), center, np.int32)
    found[chosen] = passed
    return found


def weights(plan: Plan, center: int, size: int, contexts: int) -> Array:
    """Return contexts x size weights to start from."""
    worth, bell = STARTS[plan.start]
    if not worth:
        return np.tile(even(size), (contexts, 1))
    return scaled(spikes(center, plan.shares, plan.spreads, size, bell), worth)


def scaled(shapes: Array, worth: int) -> Array:
    """Return weights of distributions that are worth so many symbols; none is impossible."""
    result: Array = np.floor(shapes * (worth * COUNT)) + 1
    return result


def combine(layout: int, classes: tuple[Array, ...], shape: Shape3) -> Array:
    """Return the context of each symbol (flat, int8): classes add up; 0 is certainly the center."""
    if not classes:
        return np.ones(prod(shape), np.int8)
    total, dead, top = np.zeros(shape, np.int8), False, 0
    for axes, values in zip(LAYOUTS[layout], classes, strict=True):
        spread = values.reshape([n if axis in axes else 1 for axis, n in enumerate(shape)])
        total += spread.astype(np.int8)
        dead = dead | (spread == 0)
        top += int(values.max())
    total -= max(top - (CLASSES - 1), 0)
    np.maximum(total, 1, out=total)
    np.copyto(total, 0, where=dead)
    return total.ravel()


def groups(kept: Array, m: int) -> Array:
    """Return rows x groups x m x positions; a last group is filled up with False."""
    rows, inputs, positions = kept.shape
    padded = np.zeros((rows, -(-inputs // m) * m, positions), kept.dtype)
    padded[:, :inputs] = kept
    return padded.reshape(rows, -1, m, positions)


def _pass_plan(coder: Coder, plan: Plan | None, shape: Shape3) -> tuple[Plan, Array]:
    """Pass a plan and return it with the context of every symbol."""

    def given(name: str) -> Any:
        return None if plan is None else getattr(plan, name)

    layout = small(coder, given("layout"), len(LAYOUTS))
    classes = tuple(
        adaptive(coder, plan.classes[i] if plan else None, _length(shape, axes), even(CLASSES))
        for i, axes in enumerate(LAYOUTS[layout])
    )
    pattern = small(coder, given("pattern"), len(PATTERNS))
    start = small(coder, given("start"), len(STARTS))
    contexts = combine(layout, classes, shape)
    priors = int(contexts.max()) if start else 0
    shares = coder.code(given("shares"), priors, np.ones(LEVELS))
    spreads = coder.code(given("spreads"), priors, np.ones(LEVELS))
    passed = Plan(
        layout=layout, classes=classes, pattern=pattern,
        start=start, shares=shares, spreads=spreads,
    )  # fmt: skip
    return passed, contexts


def _length(shape: Shape3, axes: tuple[int, ...]) -> int:
    return prod(shape[axis] for axis in axes)


def _pass_pattern(coder: Coder, kept: Array | None, shape: Shape3, n: int, m: int) -> Array:
    """Pass what differs from the center; a flag knows its place and the flags before it."""
    inside = groups(np.ones(shape, bool), m)
    given = None if kept is None else groups(kept.reshape(shape), m)
    found = np.zeros_like(inside)
    seen = np.zeros(inside[:, :, 0].shape, np.intp)
    for place in range(m):
        open_ = inside[:, :, place] & (seen < n)
        flags = None if given is None else given[:, :, place][open_]
        passed = contextual(coder, flags, seen[open_], np.tile(even(2), (n, 1)))
        found[:, :, place][open_] = passed
        seen += found[:, :, place]
    rows, inputs, positions = shape
    return found.reshape(rows, -1, positions)[:, :inputs].ravel()
