"""Cross-layer equalization: one layer multiplies what the next divides, so ranges even out."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, fx, nn

from compress_core.duplicate import duplicate
from compress_core.network import MULTIPLYING, Network

ROUNDS = 20
HOMOGENEOUS = (nn.ReLU, nn.Identity, nn.Flatten, nn.Dropout, nn.MaxPool1d, nn.MaxPool2d)
"""f(s x) = s f(x) for s > 0, so that scales pass through."""


def equalize(network: Network) -> Network:
    """
    Return a network with the same answers and similar ranges in neighbouring layers.

    Channel i of each pair is scaled by sqrt(r1 r2) / r2, r being the largest weights of the layers
    before and after it (Nagel et al., 2019). Batch norms must be folded before.
    """
    module = duplicate(network.module)
    pairs = list(_pairs(module))
    with torch.no_grad():
        for _ in range(ROUNDS):
            for before, after in pairs:
                _balance(before, after)
    return replace(network, module=module)


def _pairs(module: fx.GraphModule) -> Iterator[tuple[nn.Module, nn.Module]]:
    """Yield layers of which the second reads nothing but the first, in the order of execution."""
    for node in module.graph.nodes:
        before = _layer(module, node)
        if before is None:
            continue
        reader = node
        while len(reader.users) == 1:
            reader = next(iter(reader.users))
            after = _layer(module, reader)
            if after is not None:
                yield before, after
                break
            if not _passes_scales(module, reader):
                break


def _layer(module: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """Return the layer that a node calls, if its channels are all connected."""
    if node.op != "call_module":
        return None
    leaf = module.get_submodule(str(node.target))
    return leaf if type(leaf) in MULTIPLYING and getattr(leaf, "groups", 1) == 1 else None


def _passes_scales(module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(module.get_submodule(str(node.target)), HOMOGENEOUS)
    return node.op == "call_function" and node.target is torch.flatten


def _balance(before: nn.Module, after: nn.Module) -> None:
    first, second = before.weight, after.weight
    assert isinstance(first, Tensor) and isinstance(second, Tensor)
    channels = first.shape[0]
    # After a flatten, each channel is read at several positions.
    inputs = second.flatten(1).reshape(second.shape[0], channels, -1)
    reach_first = first.flatten(1).abs().amax(1)
    reach_second = inputs.abs().amax((0, 2))
    scale = torch.sqrt(reach_first * reach_second) / reach_second
    # Channels without weights on either side have no range to even out.
    scale = torch.where((reach_first > 0) & (reach_second > 0), scale, 1.0)
    first.div_(scale.reshape([-1] + [1] * (first.dim() - 1)))
    if isinstance(before.bias, Tensor):
        before.bias.div_(scale)
    second.copy_((inputs * scale[None, :, None]).reshape(second.shape))
