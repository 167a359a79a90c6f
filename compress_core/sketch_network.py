"""From a network to its sketch: the weights of all layers and what folding does to them."""

from hashlib import sha256

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from compress_core.network import Network, layer_weight
from compress_core.quantize import foldable
from compress_core.sketch import Sketch
from compress_core.sketch_layer import sketch_layer

Factors = NDArray[np.float32]


def sketch_network(network: Network) -> Sketch:
    """Sketch every layer, one after the other; nothing is folded or copied for it."""
    norms = _norms(network)
    layers = tuple(
        sketch_layer(
            layer.name,
            layer_weight(network.module, layer.name).detach().numpy(),
            _factors(norms.get(layer.name)),
        )
        for layer in network.layers
    )
    values = _values(network.module)
    inside = sum(layer.count for layer in layers)
    return Sketch(
        layers=layers,
        fp32_bytes=4 * values,
        others=values - inside,
        folded_others=values - inside + sum(_added(network, *pair) for pair in norms.items()),
    )


def _norms(network: Network) -> dict[str, nn.Module]:
    """Return layer -> the batch norm that is multiplied into it before it is rounded."""
    module = network.module
    return {
        str(layer.target): module.get_submodule(str(norm.target))
        for layer, norm in foldable(module)
    }


def _factors(norm: nn.Module | None) -> Factors | None:
    """Return what each output's weights are multiplied by; None where nothing is folded in."""
    if norm is None:
        return None
    variance, eps, weight = (getattr(norm, name) for name in ("running_var", "eps", "weight"))
    scale = torch.rsqrt(variance + eps)
    found: Factors = (scale if weight is None else weight * scale).detach().numpy()
    return found


def _added(network: Network, layer: str, norm: nn.Module) -> int:
    """Return how many values more there are once *norm* is folded: a bias, but no statistics."""
    owner = network.module.get_submodule(layer)
    bias = len(layer_weight(network.module, layer)) if owner.bias is None else 0
    return bias - _values(norm)


def _values(module: nn.Module) -> int:
    values = module.state_dict().values()
    return sum(value.numel() for value in values if value.is_floating_point())


def weights_digest(network: Network) -> str:
    """Return a hash of all that a sketch depends on: names, shapes and every value."""
    found = sha256()
    for name, value in sorted(network.module.state_dict().items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(value.contiguous().numpy().reshape(-1).view(np.uint8).data)
    return found.hexdigest()
