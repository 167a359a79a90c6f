"""What 16 bits do to gradients: real ones, of one batch, and what a scaled loss saves."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from compress_core.data import Part
from compress_core.duplicate import duplicate
from compress_core.network import Network, layer_weight

BATCH = 128
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a dtype makes of gradients that were scaled by 2^*scale* first."""

    vanished: float
    """Fraction that becomes zero."""
    overflown: float
    """Fraction that becomes infinite."""
    error: float
    """Median relative error of those that neither vanish nor overflow."""


def gradients(network: Network, part: Part) -> Tensor:
    """Return the gradients of the weights for one batch, flat, without those that are zero."""
    module = duplicate(network.module).requires_grad_(True)
    x, y = next(iter(part.head(BATCH).batches(BATCH)))
    weights = [layer_weight(module, layer.name) for layer in network.layers]
    with torch.enable_grad():
        found = torch.autograd.grad(F.cross_entropy(module(x), y), weights)
    flat = torch.cat([gradient.flatten() for gradient in found])
    return flat[flat != 0]


def kept(found: Tensor, dtype: str, scale: int) -> Kept:
    """Cast gradients times 2^*scale* to *dtype* and look at what arrives."""
    scaled = found * 2.0**scale
    arrived = scaled.to(DTYPES[dtype]).float()
    fine = (arrived != 0) & arrived.isfinite()
    errors = ((arrived - scaled) / scaled).abs()[fine]
    return Kept(
        vanished=float((arrived == 0).double().mean()),
        overflown=float((~arrived.isfinite()).double().mean()),
        error=float(errors.median()) if len(errors) else 1.0,
    )


def exponents(found: Tensor, low: int, high: int) -> list[int]:
    """Return how many gradients lie in [2^e, 2^(e + 1)) for e from *low* to below *high*."""
    places = found.abs().log2().floor().long().clamp(low, high - 1) - low
    counts: list[int] = torch.bincount(places, minlength=high - low).tolist()
    return counts
