"""
Grids of activations that meet: chosen so that every runtime gives the same codes, whatever it does.

Where two rounded values are added, one runtime multiplies by float ratios of the scales, the next
by whole numbers and a shift, and they break ties in different ways. None of that shows if no result
lies in or near the middle between two codes. So scales that meet in a sum are odd multiples of one
step: (a n_a + b n_b) / n_c is then at least 1 / (2 n_c) away from any middle. Values that are put
side by side share one grid, so that nothing has to be computed at all.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from math import ceil, prod

import torch
from torch import fx, nn
from torch.nn import functional as F

from compress_core.fit_grid import fit_linear
from compress_core.grids import Grid, LinearGrid
from compress_core.integers import leaf_of, passes
from compress_core.network import Network
from compress_core.quantize import ACTIVATIONS, SUMS, is_one_of
from compress_core.slopes import clear_of_middles

MOST = 255
"""Steps of the coarsest scale: fine enough to move no scale by much, and far enough from ties."""
LEAST_POOLED = 32
"""Steps of what is averaged; there the number of values brings ties nearer as well."""
HAIR = 1e-3
"""What is a whole multiple but for so small a part of a step stays as it is."""
ON_ONE_GRID = (torch.cat, torch.concat, *ACTIVATIONS)
"""What puts values side by side; and activation functions after a value that others read as well:
the integer kernels for both pass codes on."""
POOLS = (
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    F.adaptive_avg_pool1d,
    F.adaptive_avg_pool2d,
    torch.mean,
    "mean",
)

Grids = dict[str, LinearGrid]
Meeting = tuple[str, ...]
"""Nodes whose rounded values one operator makes a new one of; the last is what it makes."""


def aligned(network: Network, grids: Mapping[str, Grid]) -> dict[str, Grid]:
    """
    Return the grids of activations, by node, with the scales of those that meet in tune.

    Scales grow a little, never shrink; aligning twice changes nothing more. Only even steps of at
    most 8 bits are changed: with others, nothing is computed in integers. *network* holds no
    quantizers yet.
    """
    module = network.module
    even = {
        node: grid
        for node, grid in grids.items()
        if isinstance(grid, LinearGrid) and grid.bits <= 8
    }
    equal = [
        meeting
        for meeting in _meetings(module, even, ON_ONE_GRID)
        if len({even[node].bits for node in meeting}) == 1
    ]
    sums = list(_meetings(module, even, SUMS))
    for group in _groups(equal):
        even |= _shared({node: even[node] for node in group})
    for group in _groups([*equal, *sums]):
        even |= _in_tune({node: even[node] for node in group})
    taken = {node for meeting in (*equal, *sums) for node in meeting}
    for pool, count in _pools(network, even):
        even |= _pool_in_tune(pool, count, even, taken)
        taken |= set(pool)
    even |= dict(clear_of_middles(module, even, taken))
    return {**grids, **even}


def _meetings(module: fx.GraphModule, grids: Grids, kinds: Collection[object]) -> Iterator[Meeting]:
    """Yield where rounded values meet in operators of these *kinds*, and all of them are known."""
    for node in module.graph.nodes:
        if not is_one_of(module, node, kinds):
            continue
        names = [_origin(module, grids, source) for source in _sources(node)]
        names.append(_end(module, grids, node))
        known = tuple(name for name in names if name is not None)
        if len(known) == len(names) > 1:
            yield known


def _sources(node: fx.Node) -> list[fx.Node | None]:
    """Return what a node reads, None for anything that is no value of the network."""
    first = node.args[0] if node.args else None
    read = first if isinstance(first, list | tuple) else node.args[:2]
    return [source if isinstance(source, fx.Node) else None for source in read]


def _origin(module: fx.GraphModule, grids: Grids, node: fx.Node | None) -> str | None:
    """Return the node whose rounding gave the value that *node* passes on."""
    while node is not None and node.name not in grids:
        source = node.args[0] if node.args and passes(module, node) else None
        node = source if isinstance(source, fx.Node) else None
    return None if node is None else node.name


def _end(module: fx.GraphModule, grids: Grids, node: fx.Node) -> str | None:
    """Return the node after which the value is rounded: itself, or its activation function."""
    if node.name in grids:
        return node.name
    user = next(iter(node.users), None)
    fused = user is not None and len(node.users) == 1 and is_one_of(module, user, ACTIVATIONS)
    return user.name if user is not None and fused and user.name in grids else None


def _groups(meetings: Iterable[Meeting]) -> list[set[str]]:
    """Return the nodes that are connected by meetings, group by group."""
    groups: list[set[str]] = []
    for meeting in meetings:
        joined = set(meeting).union(*(group for group in groups if group & set(meeting)))
        groups = [group for group in groups if not group & joined] + [joined]
    return groups


def _shared(grids: Grids) -> Grids:
    """Return one grid for all, which covers what each of them covers."""
    first = next(iter(grids.values()))
    if all(_equal(grid, first) for grid in grids.values()):
        return grids
    low = min(float((grid.low - grid.zero_point) * grid.scale) for grid in grids.values())
    high = max(float((grid.high - grid.zero_point) * grid.scale) for grid in grids.values())
    shared = fit_linear(torch.tensor(low), torch.tensor(high), first.bits, "affine")
    return dict.fromkeys(grids, shared)


def _equal(grid: LinearGrid, other: LinearGrid) -> bool:
    same = grid.scale == other.scale and grid.zero_point == other.zero_point
    return bool(same) and grid.bits == other.bits


def _in_tune(grids: Grids) -> Grids:
    """Return grids whose scales are odd multiples of one step."""
    step = max(float(grid.scale) for grid in grids.values()) / MOST
    return {
        node: _rescaled(grid, _odd_up(float(grid.scale) / step) * step)
        for node, grid in grids.items()
    }


def _pool_in_tune(pool: Meeting, count: int, grids: Grids, taken: set[str]) -> Grids:
    """
    Return the grids around an average of *count* values such that none lies near a middle.

    With scales that are as k : 2^m, k odd and 2^m no less than the even part of *count*, the mean
    of codes is a fraction with an odd denominator.
    """
    source, target = pool
    steps = max(count & -count, LEAST_POOLED)
    ratio = steps * float(grids[target].scale) / float(grids[source].scale)
    if target not in taken:
        scale = float(grids[source].scale) * _odd_up(ratio) / steps
        return {target: _rescaled(grids[target], scale)}
    if source not in taken:
        scale = float(grids[target].scale) * steps / _odd_down(ratio)
        return {source: _rescaled(grids[source], scale)}
    return {}


def _odd_up(ratio: float) -> int:
    return ceil(ratio - HAIR) | 1


def _odd_down(ratio: float) -> int:
    return max(1, (int(ratio + HAIR) - 1) | 1)


def _rescaled(grid: LinearGrid, scale: float) -> LinearGrid:
    """Return the grid with another scale, beginning at the same value as far as codes allow."""
    lowest = float((grid.low - grid.zero_point) * grid.scale)
    zero_point = min(max(grid.low - round(lowest / scale), grid.low), grid.high)
    return replace(
        grid,
        scale=torch.full_like(grid.scale, scale),
        zero_point=torch.full_like(grid.zero_point, zero_point),
    )


def _pools(network: Network, grids: Grids) -> Iterator[tuple[Meeting, int]]:
    """Yield (source and target, how many values are averaged) of every average, in order."""
    module, shapes = network.module, network.shapes
    for node in module.graph.nodes:
        if not is_one_of(module, node, POOLS):
            continue
        source = node.args[0]
        names = (_origin(module, grids, source), _end(module, grids, node))
        count = _averaged(leaf_of(module, node), shapes[source.name], shapes[node.name])
        if names[0] is not None and names[1] is not None and count:
            yield (names[0], names[1]), count


def _averaged(leaf: nn.Module | None, before: list[int], after: list[int]) -> int:
    """Return how many values each average is of; 0 where they differ or are not known."""
    if isinstance(leaf, nn.AvgPool1d | nn.AvgPool2d):
        size = leaf.kernel_size
        axes = 1 if isinstance(leaf, nn.AvgPool1d) else 2
        return prod(size) if isinstance(size, tuple) else size**axes
    ratio, left = divmod(prod(before), prod(after))
    return 0 if left else ratio
