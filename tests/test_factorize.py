from math import prod

import numpy as np
import pytest
import torch
from torch import nn

from compress_core.factorize import factorize, kept_rank
from compress_core.network import from_module, layer_weight
from compress_core.recipe import Factorize


def network_of(*layers: nn.Module, shape: tuple[int, ...]):  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    return from_module(nn.Sequential(*layers), shape, ("a", "b"), "small")


def test_a_linear_layer_becomes_its_truncated_svd() -> None:
    network = network_of(nn.Linear(20, 12), shape=(20,))
    thin = factorize(network, [Factorize(rank=0.25)])
    first, second = (layer_weight(thin.module, name).numpy() for name in ("0.0", "0.1"))
    u, s, v = np.linalg.svd(layer_weight(network.module, "0").numpy())
    assert first.shape == (3, 20) and second.shape == (12, 3)
    assert np.allclose(second @ first, u[:, :3] * s[:3] @ v[:3], atol=1e-5)
    bias = network.module.get_submodule("0").bias
    assert torch.equal(thin.module.get_submodule("0.1").bias, bias)


@pytest.mark.parametrize("method", ["tucker", "spatial"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (5, 1, 0)])
def test_a_convolution_of_low_rank_is_kept_exactly(
    method: str, kernel: int, stride: int, padding: int
) -> None:
    conv = nn.Conv2d(8, 16, kernel, stride, padding)
    with torch.no_grad():
        # One column times one row, of two channels: rank 1 in space, rank 2 over channels.
        inward, outward = torch.randn(2, 8), torch.randn(16, 2)
        column, row = torch.randn(kernel, 1), torch.randn(1, kernel)
        conv.weight.copy_(torch.einsum("or,ri,hw->oihw", outward, inward, column @ row))
    network = network_of(conv, shape=(8, 12, 12))
    thin = factorize(network, [Factorize(energy=0.9999, method=method)])  # type: ignore[arg-type]
    x = torch.randn(2, 8, 12, 12)
    assert torch.allclose(thin.module(x), network.module(x), atol=1e-4)
    assert thin.parameters < network.parameters
    assert thin.macs < network.macs


def test_what_would_not_get_smaller_stays() -> None:
    network = network_of(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(64, 2), shape=(1, 6, 6))
    thin = factorize(network, [Factorize(rank=1.0)])
    assert [layer.name for layer in thin.layers] == ["0", "2"]
    assert torch.equal(thin.module(torch.ones(1, 1, 6, 6)), network.module(torch.ones(1, 1, 6, 6)))


def test_strides_of_a_pointwise_convolution_are_kept() -> None:
    network = network_of(nn.Conv2d(16, 16, 1, stride=2), shape=(16, 8, 8))
    thin = factorize(network, [Factorize(rank=0.25)])
    assert thin.module(torch.ones(1, 16, 8, 8)).shape == (1, 16, 4, 4)
    assert sum(prod(layer.shape) for layer in thin.layers) == 16 * 4 * 2


def test_the_last_step_that_names_a_layer_decides() -> None:
    network = network_of(nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 20), shape=(20,))
    thin = factorize(network, [Factorize(rank=0.2), Factorize(rank=0.1, layers="2")])
    assert [layer.shape[0] for layer in thin.layers] == [4, 20, 2, 20]


def test_energy_keeps_as_many_as_it_needs() -> None:
    values = torch.tensor([3.0, 2.0, 1.0])  # energies 9, 4, 1 of 14
    assert [kept_rank(values, Factorize(energy=e)) for e in (0.6, 0.65, 0.93, 1.0)] == [1, 2, 3, 3]
    assert kept_rank(values, Factorize(rank=0.1)) == 1
