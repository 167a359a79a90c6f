"""
How many bytes a network takes: in theory, packed, and as float32; in total and layer by layer.

*packed* is the length of the file that `save_fit` writes; *theory* is Shannon's bound for storing
the same codes (or kept values) if each were drawn independently, plus scales and biases as they
are. Files can be smaller than that: weights of one row or column are alike.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log2, log10, prod

import numpy as np
import torch
from torch import Tensor

from compress_core.ans import Array
from compress_core.codec import Packed
from compress_core.compressed import Compressed
from compress_core.fit_file import to_bytes
from compress_core.grids import from_zero, has_many_zeros
from compress_core.network import Layer
from compress_core.packed import stored_arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """What one layer was and what is left of it; sizes in bytes, *macs* for one sample."""

    name: str
    kind: str
    original_shape: tuple[int, ...]
    shape: tuple[int, ...]
    parameters: int
    nonzero: int
    """Weights and biases that are not zero."""
    sparsity: float
    """Fraction of the original weights that is gone, with their channel or by mask."""
    weight_bits: int
    original_macs: int
    macs: int
    fp32_bytes: int
    """Of the original layer."""
    theory_bytes: int
    packed_bytes: int
    sqnr_db: float | None
    """Signal over error power of the weight; None where shapes differ or nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes of a whole network; they add up from the layers, buffers and the file header."""

    fp32_bytes: int
    """Of the original: every stored value at four bytes."""
    theory_bytes: int
    packed_bytes: int
    layers: tuple[LayerReport, ...]

    @property
    def compression_ratio(self) -> float:
        """Float32 bytes of the original over packed bytes."""
        return self.fp32_bytes / self.packed_bytes


def sizes(compressed: Compressed, packing: Callable[[], Packed] | None = None) -> Sizes:
    """
    Measure *compressed*; packed bytes are those of the file, which is written to memory.

    *packing* waits for what `pack` makes of its `stored_arrays`, where that is under way.
    """
    arrays = stored_arrays(compressed)
    originals = {layer.name: layer for layer in compressed.original.layers}
    unpacked = [
        _report(compressed, _before(originals, layer), layer, arrays)
        for layer in compressed.network.layers
    ]
    in_layers = {report.name for report in unpacked}
    others = sum(a.nbytes for name, a in arrays.items() if _owner(name) not in in_layers)
    file = to_bytes(compressed, packing=packing)
    bits: Counter[str] = Counter()
    for name, count in file.bits.items():
        bits[_owner(name)] += count
    reports = tuple(replace(r, packed_bytes=round(bits[r.name] / 8)) for r in unpacked)
    return Sizes(
        fp32_bytes=sum(_float_bytes(v) for v in compressed.original.module.state_dict().values()),
        theory_bytes=others + sum(report.theory_bytes for report in reports),
        packed_bytes=len(file.data),
        layers=reports,
    )


def zipped_bytes(arrays: Mapping[str, Array]) -> int:
    """
    Return what zip makes of codes and values as integers and floats: as they are in memory.

    Deflated as zip programs do unless told otherwise (level 6); level 9 saves a few percent more
    and takes ten times as long.
    """
    return len(zlib.compress(b"".join(array.tobytes() for array in arrays.values()), 6))


def entropy_bits(codes: Tensor) -> float:
    """Return Shannon's entropy of the distribution of *codes* (whole numbers), bits per code."""
    whole = codes.flatten()
    narrow = whole.dtype in (torch.int8, torch.uint8)  # counted at once, whatever their sign
    counts = torch.bincount(whole.view(torch.uint8) if narrow else whole.long() - whole.min())
    counts = counts[counts > 0].double()
    p = counts / counts.sum()
    return float(-(p * p.log2()).sum())


def float_bits(values: Tensor) -> float:
    """Return Shannon's bound for float32 values, each of their four bytes coded on its own."""
    planes = values.contiguous().view(torch.uint8).reshape(-1, 4)
    return sum(entropy_bits(planes[:, byte]) for byte in range(4)) * len(planes)


def _before(originals: Mapping[str, Layer], layer: Layer) -> Layer:
    """Return what a layer was; of a low-rank row, the first part stands for the whole."""
    if layer.name in originals:
        return originals[layer.name]
    whole, _, part = layer.name.rpartition(".")
    return originals[whole] if part == "0" else replace(layer, parameters=0, macs=0)


def _report(
    compressed: Compressed,
    original: Layer,
    layer: Layer,
    arrays: Mapping[str, Array],
) -> LayerReport:
    """Return all that is known of a layer before it is packed."""
    weight = compressed.weight(layer.name)
    kept = _nonzero(weight)
    mask = compressed.masks.get(layer.name)
    left = weight.numel() if mask is None else _nonzero(mask)
    grid = compressed.weight_grids.get(layer.name)
    return LayerReport(
        name=layer.name,
        kind=layer.kind,
        original_shape=original.shape,
        shape=layer.shape,
        parameters=layer.parameters,
        nonzero=kept + _nonzero_biases(compressed, layer),
        sparsity=1 - left / prod(original.shape if layer.name == original.name else layer.shape),
        weight_bits=32 if grid is None else grid.bits,
        original_macs=original.macs,
        macs=layer.macs,
        fp32_bytes=4 * original.parameters,
        theory_bytes=_theory_bytes(compressed, layer, arrays),
        packed_bytes=0,
        sqnr_db=_sqnr_db(compressed, layer),
    )


def _theory_bytes(compressed: Compressed, layer: Layer, arrays: Mapping[str, Array]) -> int:
    weight, mask = compressed.weight(layer.name), compressed.masks.get(layer.name)
    grid = compressed.weight_grids.get(layer.name)
    n, bits = weight.numel(), 32.0 * _bias_values(layer)
    if grid is not None:
        codes = torch.from_numpy(arrays[f"codes:{layer.name}.weight"])
        codes = from_zero(grid, codes) if has_many_zeros(grid) else codes
        bits += entropy_bits(codes) * n + 8 * sum(p.nbytes for p in grid.parameters().values())
    elif mask is not None:
        share = float(mask.double().mean())
        bits += n * _binary_entropy(share) + float_bits(weight[mask])
    else:
        bits += float_bits(weight)
    return -int(-bits // 8)


def _binary_entropy(p: float) -> float:
    return 0.0 if p in (0.0, 1.0) else -p * log2(p) - (1 - p) * log2(1 - p)


def _sqnr_db(compressed: Compressed, layer: Layer) -> float | None:
    before, after = compressed.float_weight(layer.name), compressed.weight(layer.name)
    noise, signal = _norm(before - after), _norm(before)
    if noise == 0:
        return None
    return float("-inf") if signal == 0 else 20 * log10(signal / noise)


def _norm(values: Tensor) -> float:
    return float(torch.linalg.vector_norm(values, dtype=torch.float64))


def _owner(array_name: str) -> str:
    """Return the layer that an array `codes:fc1.weight` belongs to."""
    return array_name.split(":", 1)[1].rpartition(".")[0]


def _nonzero(values: Tensor) -> int:
    # Several times as fast as torch's own count.
    found = values.detach().numpy()
    return int(np.count_nonzero(found if found.dtype == np.bool_ else found != 0))


def _nonzero_biases(compressed: Compressed, layer: Layer) -> int:
    bias = getattr(compressed.network.module.get_submodule(layer.name), "bias", None)
    return _nonzero(bias) if isinstance(bias, Tensor) else 0


def _bias_values(layer: Layer) -> int:
    return layer.parameters - prod(layer.shape)


def _float_bytes(value: Tensor) -> int:
    return 4 * value.numel() if value.is_floating_point() else 0
