"""LSTM and GRU layers as layers that can be compressed; torch's own are the reference."""

from functools import lru_cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from compress_core.network import Network, from_module

TIME, VALUES, HIDDEN = 7, 5, 6
KINDS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}
each_kind = pytest.mark.parametrize("kind", KINDS)


class Reader(nn.Module):
    """A memory and a layer that reads its last outputs."""

    def __init__(self, kind: str, what: str = "outputs", **how: bool | int) -> None:
        super().__init__()
        self.what = what
        self.memory = KINDS[kind](VALUES, HIDDEN, **{"batch_first": True, **how})  # type: ignore
        ways, layers = 1 + self.memory.bidirectional, self.memory.num_layers
        self.fc = nn.Linear(HIDDEN * ways * (1 if what == "outputs" else layers), 3)

    def forward(self, x: Tensor) -> Tensor:
        outputs, last = self.memory(x if self.memory.batch_first else x.transpose(0, 1))
        if self.what == "outputs":
            read = outputs[:, -1] if self.memory.batch_first else outputs[-1]
        else:
            lstm = isinstance(self.memory, nn.LSTM)
            state = last[("states", "cells").index(self.what)] if lstm else last
            read = state.transpose(0, 1).flatten(1)
        logits: Tensor = self.fc(read)
        return logits


def made(kind: str, what: str = "outputs", **how: bool | int) -> tuple[Network, Reader]:
    torch.manual_seed(0)
    module = Reader(kind, what, **how).eval()
    return from_module(module, (TIME, VALUES), ("a", "b", "c"), kind), module


def noise(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, TIME, VALUES, generator=torch.Generator().manual_seed(seed))


@each_kind
@pytest.mark.parametrize(
    "how",
    [{}, {"bidirectional": True}, {"num_layers": 3}, {"num_layers": 2, "bidirectional": True},
     {"bias": False}, {"batch_first": False}],
    ids=lambda how: "+".join(how) or "plain",
)  # fmt: skip
def test_torch_says_the_same(kind: str, how: dict[str, bool | int]) -> None:
    for what in ("outputs", "states", *(["cells"] if kind == "lstm" else [])):
        network, module = made(kind, what, **how)
        with torch.inference_mode():
            gap = (network.module(noise(4)) - module(noise(4))).abs().max()
        assert float(gap) < 1e-6
        assert not any(isinstance(m, nn.LSTM | nn.GRU) for m in network.module.modules())
