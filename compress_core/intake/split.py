"""Which sample belongs to which part: reproducible, fair to every class, groups kept together."""

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.listing import NONE, Codes

SHARES = (0.70, 0.15, 0.15)
"""Of training, validation and test, where the data set does not say."""
TRAIN, VALIDATION, TEST = range(3)


def split(classes: Codes, groups: Codes | None, given: Codes, seed: int) -> Codes:
    """
    Return the part of each sample.

    What the data set says is kept. A missing validation part is drawn from training, a missing
    test or training part from validation, so that no test sample was ever trained on; a data set
    with a single part is drawn anew. Equal *seed* and samples give equal parts.
    """
    there = set(given.tolist()) - {NONE}
    if len(there) < 2:
        return draw(classes, groups, SHARES, seed)
    parts = given.copy()
    missing = {TRAIN, VALIDATION, TEST} - there
    for part in missing:
        source = TRAIN if part == VALIDATION else VALIDATION
        share = SHARES[VALIDATION] / (1 - SHARES[TEST]) if part == VALIDATION else 0.5
        shares = [0.0, 0.0, 0.0]
        shares[part], shares[source] = share, 1 - share
        chosen = np.flatnonzero(given == source)
        some = None if groups is None else groups[chosen]
        parts[chosen] = draw(classes[chosen], some, tuple(shares), seed)
    return parts


def draw(classes: Codes, groups: Codes | None, shares: tuple[float, ...], seed: int) -> Codes:
    """Return parts drawn by lot, each class in the same shares as far as its samples go."""
    generator = np.random.default_rng(seed)
    if groups is not None:
        return _draw_groups(classes, groups, shares, generator)
    parts = np.empty(len(classes), np.int32)
    for code in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == code))
        parts[members] = np.repeat(np.arange(3), allot(len(members), shares))
    return parts


def allot(count: int, shares: tuple[float, ...]) -> tuple[int, int, int]:
    """
    Divide *count* samples in *shares*.

    Each part with a share has at least one as far as they go: the test first, training last.
    """
    left, sizes = count, [0, 0, 0]
    wanted = [part for part in (TEST, VALIDATION, TRAIN) if shares[part]]
    for part in wanted:
        last = part == wanted[-1]
        sizes[part] = left if last else min(left, max(1, round(count * shares[part])))
        left -= sizes[part]
    return sizes[0], sizes[1], sizes[2]


def order(parts: Codes, part: int, seed: int) -> NDArray[np.int64]:
    """Return the samples of a part, shuffled: the first of them are a fair draw."""
    members = np.flatnonzero(parts == part)
    return np.random.default_rng((seed, part)).permutation(members)


def _draw_groups(
    classes: Codes, groups: Codes, shares: tuple[float, ...], generator: np.random.Generator
) -> Codes:
    """Give whole groups, the largest first, to the part that comes closest to its share."""
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    kinds, kind = np.unique(classes, return_inverse=True)
    counts = np.zeros((len(sizes), len(kinds)))
    np.add.at(counts, (member, kind), 1)
    target = np.outer(shares, counts.sum(0))
    open_parts = [part for part in range(3) if shares[part]]
    have = np.zeros_like(target)
    chosen = np.empty(len(sizes), np.int32)
    by_lot = generator.permutation(len(sizes))
    for group in by_lot[np.argsort(-sizes[by_lot], kind="stable")]:
        c = counts[group]
        # Growth of the squared distance from the target, weighed by how much the part should get.
        growth = (c * (2 * (have - target) + c)).sum(1)
        cost = {part: float(growth[part]) / shares[part] for part in open_parts}
        chosen[group] = min(open_parts, key=cost.__getitem__)
        have[chosen[group]] += c
    _fill_empty(chosen, sizes, open_parts)
    return chosen[member].astype(np.int32)


def _fill_empty(chosen: Codes, sizes: NDArray[np.int64], open_parts: list[int]) -> None:
    """Give a part without groups the smallest group of the part that has most of them."""
    for part in sorted(open_parts, reverse=True):
        numbers = np.bincount(chosen, minlength=3)
        giver = int(numbers.argmax())
        if not numbers[part] and numbers[giver] > 1:
            members = np.flatnonzero(chosen == giver)
            chosen[members[sizes[members].argmin()]] = part
