"""Entropy coding: what the codes of one layer take as bytes, in theory and in files."""

from collections import Counter
from dataclasses import dataclass

from compress_core.codec import pack
from compress_core.compressed import Compressed
from compress_core.packed import layer_arrays
from compress_core.sizes import entropy_bits, zipped_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """The codes of one layer: how often each occurs, and their bytes; scales not counted."""

    counts: dict[int, int]
    entropy: float
    """Bits per code, of the distribution alone (Shannon, 1948)."""
    plain_bytes: int
    """A byte for each code, as int8 files have it."""
    tight_bytes: int
    """As many bits for each code as its grid has."""
    theory_bytes: float
    packed_bytes: int
    """Measured: written by the coder of the `.fit` file."""
    zipped_bytes: int
    """Measured: the bytes above, deflated."""


def coded(compressed: Compressed, layer: str) -> Coded:
    """Return what the rounded weight of *layer* takes; it must have a grid of at most 8 bits."""
    grid, weight = compressed.weight_grids[layer], compressed.weight(layer)
    codes = dict(layer_arrays(compressed, layer))["codes"]
    entropy = entropy_bits(grid.encode(weight))
    return Coded(
        counts=dict(sorted(Counter(codes.flatten().tolist()).items())),
        entropy=entropy,
        plain_bytes=codes.size,
        tight_bytes=-(-codes.size * grid.bits // 8),
        theory_bytes=entropy * codes.size / 8,
        packed_bytes=len(pack({"codes": codes}).data),
        zipped_bytes=zipped_bytes({"codes": codes}),
    )
