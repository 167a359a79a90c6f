"""How many bytes an ONNX file will take, without writing it: for a meter that may not wait."""

from compress_core.compressed import Compressed
from compress_core.grids import Grid
from compress_core.integers import integer_layers
from compress_core.recurrence import RECURRENT

ENTRY = 66
"""Bytes that name and type one operator or one tensor: the mean over files of three networks."""

LOOP = 28
"""Entries that a loop over time takes: the mean over three files with a GRU."""


def expected_bytes(compressed: Compressed) -> int:
    """
    Return the expected length of the .onnx file of *compressed*.

    Stored values are counted exactly: codes in 4, 8 or 16 bits, a scale for each row, biases. What
    names and types them is estimated by its count; they are right within 3 %.
    """
    integer = integer_layers(compressed.graph, compressed.weight_grids)
    values, entries = 0, 0
    for layer in compressed.network.layers:
        grid = compressed.weight_grids.get(layer.name)
        weight = compressed.float_weight(layer.name)
        biases = layer.parameters - weight.numel()
        values += -(-weight.numel() * stored_bits(grid) // 8) + 4 * biases
        entries += 2 + LOOP * isinstance(
            compressed.network.module.get_submodule(layer.name), RECURRENT
        )
        if grid is not None:
            values += sum(parameter.numel() * 4 for parameter in grid.parameters().values())
            entries += 5 if layer.name in integer else 3
    entries += 4 * len(compressed.activation_grids)
    entries += len(compressed.network.module.graph.nodes)
    return values + ENTRY * entries


def stored_bits(grid: Grid | None) -> int:
    """Return the bits that a code of *grid* takes in the file; 32 where there is none."""
    return 32 if grid is None else next(bits for bits in (4, 8, 16) if grid.bits <= bits)
