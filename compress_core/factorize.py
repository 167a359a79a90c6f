"""Low rank: one layer becomes two or three thinner ones in a row that compute nearly the same."""

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeVar

import torch
from torch import Tensor, fx, nn
from torch.nn.utils import skip_init

from compress_core.duplicate import duplicate
from compress_core.network import Network, from_graph, matching
from compress_core.recipe import Factorize

Split = TypeVar("Split", nn.Linear, nn.Conv2d)


def factorize(network: Network, steps: Sequence[Factorize]) -> Network:
    """
    Return the network with its layers factorized where that saves weights.

    Layer `fc1` becomes `fc1.0`, `fc1.1` and so on; the last step that names a layer decides. Layers
    for which the parts would hold more than the whole stay as they are.
    """
    module = duplicate(network.module)
    for layer in network.layers:
        deciding = [step for step in steps if matching(step.layers, [layer.name])]
        if deciding:
            parts = _parts(module.get_submodule(layer.name), deciding[-1])
            if parts is not None and _weights(parts) < prod(layer.shape):
                _replace(module, layer.name, parts)
    module.recompile()
    module.requires_grad_(False)
    return from_graph(module, network.input_shape, network.labels, network.name)


def kept_rank(singular_values: Tensor, step: Factorize) -> int:
    """Return how many singular values are kept: a share of them, or enough for the energy."""
    if step.rank is not None:
        return max(1, round(step.rank * len(singular_values)))
    assert step.energy is not None
    energy = singular_values.double().square().cumsum(0)
    return int((energy < step.energy * energy[-1]).sum()) + 1


def _parts(layer: nn.Module, step: Factorize) -> list[nn.Module] | None:
    if isinstance(layer, nn.Linear):
        return _linear(layer, step)
    if isinstance(layer, nn.Conv2d) and layer.groups == 1:
        return CONVOLUTIONS["svd" if layer.kernel_size == (1, 1) else step.method](layer, step)
    return None


def _linear(layer: nn.Linear, step: Factorize) -> list[nn.Module]:
    first, second = _svd(layer.weight, step)
    return [_as_linear(first, None), _as_linear(second, layer.bias)]


def _svd(matrix: Tensor, step: Factorize) -> tuple[Tensor, Tensor]:
    """Return (rank x columns, rows x rank) whose product is nearest to *matrix* (Eckart-Young)."""
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    rank = kept_rank(s, step)
    root = s[:rank].sqrt()
    return root[:, None] * v[:rank], u[:, :rank] * root


def _pointwise(layer: nn.Conv2d, step: Factorize) -> list[nn.Module]:
    """Split a 1 x 1 convolution as the matrix that it is; the first part takes the strides."""
    first, second = _svd(layer.weight.flatten(1), step)
    return [
        _as_conv(first[..., None, None], None, _stride(layer), _padding(layer)),
        _as_conv(second[..., None, None], layer.bias),
    ]


def _spatial(layer: nn.Conv2d, step: Factorize) -> list[nn.Module]:
    """Split a k x k convolution into k x 1 and 1 x k (Jaderberg et al., 2014; Tai et al., 2016)."""
    outputs, inputs, height, width = layer.weight.shape
    matrix = layer.weight.permute(0, 3, 1, 2).reshape(outputs * width, inputs * height)
    first, second = _svd(matrix, step)
    (down, right), (top, left) = _stride(layer), _padding(layer)
    return [
        _as_conv(first.reshape(-1, inputs, height, 1), None, (down, 1), (top, 0)),
        _as_conv(
            second.reshape(outputs, width, -1).permute(0, 2, 1)[:, :, None],
            layer.bias,
            (1, right),
            (0, left),
        ),
    ]


def _tucker(layer: nn.Conv2d, step: Factorize) -> list[nn.Module]:
    """Split k x k into 1 x 1, k x k on fewer channels and 1 x 1 (Kim et al., 2016)."""
    weight = layer.weight
    outward = _leading(weight.flatten(1), step)
    inward = _leading(weight.transpose(0, 1).flatten(1), step)
    core = torch.einsum("oihw,or,is->rshw", weight, outward, inward)
    return [
        _as_conv(inward.T[..., None, None], None),
        _as_conv(core, None, _stride(layer), _padding(layer)),
        _as_conv(outward[..., None, None], layer.bias),
    ]


CONVOLUTIONS: dict[str, Callable[[nn.Conv2d, Factorize], list[nn.Module]]] = {
    "svd": _pointwise,
    "spatial": _spatial,
    "tucker": _tucker,
}


def _leading(matrix: Tensor, step: Factorize) -> Tensor:
    """Return the left singular vectors that are kept: rows x rank."""
    u, s, _ = torch.linalg.svd(matrix, full_matrices=False)
    leading: Tensor = u[:, : kept_rank(s, step)]
    return leading


def _as_linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    # Not initialised: that would draw from the global generator.
    layer: nn.Linear = skip_init(nn.Linear, weight.shape[1], weight.shape[0], bias=bias is not None)
    return _filled(layer, weight, bias)


def _as_conv(
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> nn.Conv2d:
    outputs, inputs, height, width = weight.shape
    layer: nn.Conv2d = skip_init(
        nn.Conv2d,
        inputs,
        outputs,
        (height, width),
        stride,
        padding,
        bias=bias is not None,
    )
    return _filled(layer, weight, bias)


def _filled(layer: Split, weight: Tensor, bias: Tensor | None) -> Split:
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None and layer.bias is not None:
            layer.bias.copy_(bias)
    return layer.eval()


def _stride(layer: nn.Conv2d) -> tuple[int, int]:
    down, right = layer.stride
    return down, right


def _padding(layer: nn.Conv2d) -> tuple[int, int]:
    if isinstance(layer.padding, tuple):
        top, left = layer.padding
        return top, left
    height, width = layer.kernel_size
    return (height // 2, width // 2) if layer.padding == "same" else (0, 0)


def _weights(parts: list[nn.Module]) -> int:
    return sum(part.weight.numel() for part in parts if isinstance(part.weight, Tensor))


def _replace(module: fx.GraphModule, name: str, parts: list[nn.Module]) -> None:
    """Let the calls of a layer go through *parts*, which become its submodules."""
    module.set_submodule(name, nn.Sequential(*parts))
    for node in [n for n in module.graph.nodes if n.op == "call_module" and n.target == name]:
        value = node.args[0]
        with module.graph.inserting_before(node):
            for index in range(len(parts)):
                value = module.graph.call_module(f"{name}.{index}", (value,))
        node.replace_all_uses_with(value)
        module.graph.erase_node(node)
