from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn

from compress_core import data as data_module
from compress_core.data import Part
from compress_core.network import Network, from_module
from compress_core.re_estimate import re_estimate
from tests.nets import noise_data


def small() -> Network:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten()]
    module = nn.Sequential(*layers, nn.Linear(48, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))
    return from_module(module, (1, 6, 6), tuple("0123456789"), "small")


def expected(network: Network, part: Part) -> nn.Module:
    """Let torch itself average the statistics of batches in training."""
    module = deepcopy(network.module)
    for norm in (module.get_submodule("1"), module.get_submodule("5")):
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for x, _ in part.few(384).batches(128):
            module(x)
    return module


def agree(one: nn.Module, other: nn.Module) -> bool:
    return all(
        torch.allclose(one.get_submodule(name).get_buffer(what), value, rtol=1e-5, atol=1e-6)
        for name in ("1", "5")
        for what, value in other.get_submodule(name).named_buffers()
        if what.startswith("running")
    )


def test_statistics_are_those_of_training_in_batches() -> None:
    network = small()
    part = noise_data(network, train=320).train
    module = deepcopy(network.module)
    re_estimate(module, part)
    assert agree(module, expected(network, part))
    assert not module.get_submodule("1").training


def test_pieces_of_large_samples_give_the_statistics_of_whole_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = small()
    part = noise_data(network, train=300).train
    monkeypatch.setattr(data_module, "PIECE_VALUES", 50 * 36)
    assert part.piece_size(128) == 50
    module = deepcopy(network.module)
    re_estimate(module, part)
    assert agree(module, expected(network, part))


def test_a_channel_that_is_the_same_everywhere_has_no_variance() -> None:
    network = small()
    part = replace(noise_data(network, train=128).train, x=torch.ones(128, 1, 6, 6))
    module = deepcopy(network.module)
    re_estimate(module, part)
    assert module.get_submodule("1").running_var.abs().max() < 1e-6
    assert torch.isfinite(module(part.x)).all()
