"""
From a compressed network to the graph that exporters write down.

It computes what the preview computes, in the operators that runtimes recognise: activations are
rounded by quantize/dequantize pairs with plain numbers, and where a target wants it, weights are
integer codes that are dequantized on the spot.
"""

from collections.abc import Collection

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from compress_core.align import ON_ONE_GRID
from compress_core.coded import CodedLayer, CodedTable, coded_tables
from compress_core.compressed import Compressed
from compress_core.duplicate import duplicate
from compress_core.grids import Grid, LinearGrid
from compress_core.integers import input_grid, integer_layers, leaf_of, passes, value_grid
from compress_core.network import LAYER_KINDS
from compress_core.quantize import ActivationQuantizer, is_one_of
from compress_core.recurrence import Recurrence, Walk, scan

INT8 = (-128, 127, torch.int8)
SOFTMAX = (nn.Softmax, torch.softmax, F.softmax, "softmax")
"""Exponentials that integer kernels would take from a table."""


def ship(compressed: Compressed, coded: Collection[str] = (), walk: Walk = scan) -> fx.GraphModule:
    """
    Return the graph to export; it is `compressed.graph` in operators that exporters know.

    The weights of the *coded* layers, which must be on a grid, are kept as integer codes. *walk* is
    how recurrences go from moment to moment.
    """
    module = duplicate(compressed.graph)
    _keep_floats(module, integer_layers(module, compressed.weight_grids))
    _part_unequal(module)
    tables = coded_tables(compressed)
    for name in coded:
        layer, grid = module.get_submodule(name), compressed.weight_grids[name]
        kept = CodedTable if name in tables else CodedLayer
        module.set_submodule(name, kept(layer, grid))
    for name, leaf in list(module.named_modules()):
        if isinstance(leaf, ActivationQuantizer):
            module.set_submodule(name, rounding(leaf.grid))
        elif isinstance(leaf, Recurrence):
            leaf.walk = walk
    _repeat_after_pass_through(module)
    return module.eval()


def rounding(grid: Grid) -> nn.Module:
    """Return the module that rounds a value to *grid* in operators that exporters know."""
    if not isinstance(grid, LinearGrid):
        return ActivationQuantizer(grid)
    if grid.bits == 8:
        return Rounding(float(grid.scale), int(grid.zero_point))
    return NarrowRounding(grid) if grid.bits < 8 else WideRounding(grid)


class Rounding(nn.Module):
    """Quantize to int8 and back, with plain numbers that exporters write into the graph."""

    def __init__(self, scale: float, zero_point: int) -> None:
        super().__init__()
        self.scale, self.zero_point = scale, zero_point

    def forward(self, x: Tensor) -> Tensor:
        """Return x on the grid, same shape."""
        span = (self.scale, self.zero_point, *INT8)
        operators = torch.ops.quantized_decomposed
        rounded: Tensor = operators.dequantize_per_tensor(
            operators.quantize_per_tensor(x, *span), *span
        )
        return rounded


class NarrowRounding(nn.Module):
    """
    Round to fewer than 8 bits by means of 8.

    The lowest code becomes that of int8, where integers end by themselves and where runtimes
    recognise ReLU; the upper end is cut off between two roundings, so that kernels that round
    to int8 can still be used before.
    """

    def __init__(self, grid: LinearGrid) -> None:
        super().__init__()
        self.round = Rounding(float(grid.scale), int(grid.zero_point) - grid.low + INT8[0])
        self.low, self.high = _ends(grid)

    def forward(self, x: Tensor) -> Tensor:
        """Return x on the grid, same shape."""
        rounded: Tensor = self.round(torch.clamp(self.round(x), self.low, self.high))
        return rounded


class WideRounding(nn.Module):
    """Round to more than 8 bits in float arithmetic: no runtime here computes with such codes."""

    def __init__(self, grid: LinearGrid) -> None:
        super().__init__()
        # Floats throughout: with an integer among them, runtimes would convert to and fro.
        self.scale, self.zero_point = float(grid.scale), float(grid.zero_point)
        self.low, self.high = float(grid.low), float(grid.high)

    def forward(self, x: Tensor) -> Tensor:
        """Return x on the grid, same shape."""
        codes = torch.round(x * (1 / self.scale)) + self.zero_point
        return (torch.clamp(codes, self.low, self.high) - self.zero_point) * self.scale


def _ends(grid: LinearGrid) -> tuple[float, float]:
    """Return the smallest and the largest value of a grid with one scale."""
    scale, zero_point = float(grid.scale), int(grid.zero_point)
    return (grid.low - zero_point) * scale, (grid.high - zero_point) * scale


def _keep_floats(module: fx.GraphModule, integer: Collection[str]) -> None:
    """
    Part float layers from rounded inputs by a clamp to the ends of the grid (a no-op in value).

    Where a layer directly follows a rounding, ONNX Runtime takes its weights for unfinished
    quantization and rounds them to 8 bits of its own choice; and exponentials between two roundings
    it looks up in a table, which is off by a step now and then.
    """
    for node in list(module.graph.nodes):
        grid = input_grid(module, node)
        if not is_one_of(module, node, (*LAYER_KINDS, *SOFTMAX)) or node.target in integer:
            continue
        if not isinstance(grid, LinearGrid) or grid.bits > 8:
            continue
        low, high = _ends(grid)
        with module.graph.inserting_before(node):
            clamped = module.graph.call_function(torch.clamp, (node.args[0], low, high))
        node.args = (clamped, *node.args[1:])
    module.recompile()


def _part_unequal(module: fx.GraphModule) -> None:
    """
    Part values on different grids from what puts them side by side by a clamp (a no-op in value).

    XNNPACK's integer kernels for that take one grid only; so it is done in float.
    """
    for node in list(module.graph.nodes):
        if not is_one_of(module, node, ON_ONE_GRID):
            continue
        sources = node.all_input_nodes
        grids = [value_grid(module, near) for near in (*sources, *node.users)]
        even = [grid for grid in grids if isinstance(grid, LinearGrid) and grid.bits <= 8]
        steps = {(float(g.scale), int(g.zero_point), g.bits) for g in even}
        if len(even) < len(grids) or len(steps) == 1:
            continue
        for source, grid in zip(sources, even, strict=False):
            with module.graph.inserting_before(node):
                clamped = module.graph.call_function(torch.clamp, (source, *_ends(grid)))
            node.replace_input_with(source, clamped)
    module.recompile()


def _repeat_after_pass_through(module: fx.GraphModule) -> None:
    """
    Round again what a pooling or reshaping node passes on (a no-op in value, in place).

    Runtimes compute in integers only between two roundings, and these nodes are such steps too.
    """
    for node in module.graph.nodes:
        source = node.args[0] if node.args else None
        if not passes(module, node) or not isinstance(source, fx.Node):
            continue
        if isinstance(leaf_of(module, source), Rounding | NarrowRounding):
            name = f"{node.name}_grid"
            module.add_submodule(name, _again(leaf_of(module, source)))
            with module.graph.inserting_after(node):
                rounded = module.graph.call_module(name)
            node.replace_all_uses_with(rounded)
            rounded.args = (node,)
    module.recompile()


def _again(rounded: nn.Module | None) -> nn.Module:
    """Return what rounds a value that is on the grid already: nothing has to be cut off."""
    again = rounded.round if isinstance(rounded, NarrowRounding) else rounded
    assert isinstance(again, Rounding)
    return again
