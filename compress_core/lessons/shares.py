"""Across layers: how much each layer gives when one share is asked of all together."""

from dataclasses import dataclass

from compress_core.allocation import ALLOCATIONS
from compress_core.network import Network, layer_weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one layer gives."""

    layer: str
    weights: int
    sparsity: float


def given(network: Network, sparsity: float, allocation: str) -> tuple[Given, ...]:
    """Return what each layer gives of its smallest weights, in order of execution."""
    weights = {layer.name: layer_weight(network.module, layer.name) for layer in network.layers}
    scores = {name: weight.abs() for name, weight in weights.items()}
    masks = ALLOCATIONS[allocation](scores, sparsity)
    return tuple(
        Given(
            layer=name, weights=mask.numel(), sparsity=1 - int(mask.count_nonzero()) / mask.numel()
        )
        for name, mask in masks.items()
    )
