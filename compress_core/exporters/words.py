"""What is in a file, in words for a person."""

from collections import Counter
from collections.abc import Callable

from compress_core.compressed import Compressed
from compress_core.grids import Grid
from compress_core.recurrence import RECURRENT


def stored(compressed: Compressed, bits_of: Callable[[str], int], floats: int = 32) -> str:
    """Return how the weights are stored, most weights first; *floats* are bits that are no code."""
    weights: Counter[int] = Counter()
    for layer in compressed.network.layers:
        weights[bits_of(layer.name)] += layer.parameters
    words = [
        f"{bits} bit {'floats' if bits == floats else 'codes'}" for bits, _ in weights.most_common()
    ]
    return " and ".join(words)


def counted(names: list[str]) -> tuple[str, ...]:
    """Return `Conv ×2` for each name that occurs, in order of appearance."""
    return tuple(f"{name} ×{count}" for name, count in Counter(names).items())


def code_bits(grid: Grid | None) -> int:
    """Return the bits of the type that codes of *grid* are kept in; 32 where there is none."""
    return 32 if grid is None else 8 * grid.dtype.itemsize


def memory(compressed: Compressed) -> str:
    """Return a sentence where a network has memory and integers were asked for; else nothing."""
    remembers = any(isinstance(part, RECURRENT) for part in compressed.network.module.modules())
    if not remembers or not compressed.activation_grids:
        return ""
    return (
        "The memory of this network (LSTM or GRU) computes in floats: no runtime has integer "
        "arithmetic for it that rounds as the preview does."
    )
