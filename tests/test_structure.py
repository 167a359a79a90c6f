import json
import operator
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from compress_core.arguments import plain, value_of
from compress_core.effort import check_effort
from compress_core.network import Network, from_module
from compress_core.structure import describe, rebuild, stored_tensors
from compress_core.vocabulary import FUNCTIONS, KINDS
from compress_core.zoo.build import ARCHITECTURES, build


class Attention(nn.Module):
    """What transformers do, in small: a parameter of its own, methods, slices, functions."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(1, 6, 8))
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.position
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = torch.cat([x[:, :3], functional.gelu(self.mix(x))[:, 3:]], dim=1)
        x = x.transpose(1, 2).reshape(x.shape[0], -1, 8).mean(1)
        out: Tensor = self.head(x.clamp(min=-float("inf")))
        return out


class Memory(nn.Module):
    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.memory = kind(5, 7, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(14, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.memory(x)[0][:, -1])
        return out


def leaf(*modules: nn.Module) -> nn.Module:
    return nn.Sequential(*modules)


CASES: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "attention": (Attention(), (6, 8)),
    "gru": (Memory(nn.GRU), (6, 5)),
    "lstm": (Memory(nn.LSTM), (6, 5)),
    "signals": (
        leaf(
            nn.Conv1d(3, 4, 5, stride=2, padding=2, padding_mode="circular"),
            nn.BatchNorm1d(4, eps=1e-3),
            nn.ELU(0.7),
            nn.MaxPool1d(2, ceil_mode=True),
            nn.AvgPool1d(2),
            nn.AdaptiveAvgPool1d(3),
            nn.Flatten(),
            nn.Softmax(dim=1),
        ),
        (3, 31),
    ),
    "pictures": (
        leaf(
            nn.ZeroPad2d((1, 2, 0, 1)),
            nn.Conv2d(2, 6, (3, 5), groups=2, padding="same", bias=False),
            nn.GroupNorm(3, 6),
            nn.LeakyReLU(0.2),
            nn.Conv2d(6, 6, 3, dilation=2),
            nn.Hardtanh(-2, 3),
            nn.MaxPool2d((2, 1), stride=1),
            nn.AvgPool2d(2, count_include_pad=False),
            nn.AdaptiveMaxPool2d((2, None)),
            nn.Dropout2d(0.3),
            nn.Flatten(1, -2),
            nn.LayerNorm(4),
        ),
        (2, 9, 9),
    ),
}


def network(case: str) -> Network:
    if case in ARCHITECTURES:
        side = 8 if case == "simple-nn" else 28
        return from_module(build(case, 1), (1, side, side), ("a", "b"), case)
    module, shape = CASES[case]
    return from_module(module, shape, ("yes", "no", "ümlaut"), case)


def refill(empty: fx.GraphModule, full: fx.GraphModule) -> fx.GraphModule:
    values = dict(stored_tensors(full))
    found = {name: values[name].clone() for name, _ in stored_tensors(empty)}
    for name, value in empty.state_dict().items():
        found.setdefault(name, torch.zeros(value.shape, dtype=value.dtype))
    empty.load_state_dict(found, assign=True)
    return empty


@pytest.mark.parametrize("case", [*ARCHITECTURES, *CASES])
def test_a_network_comes_back_from_plain_json(case: str) -> None:
    before = network(case)
    structure = json.loads(json.dumps(describe(before), allow_nan=False))
    module = rebuild(structure)
    check_effort(module, before.input_shape)
    assert [n.name for n in module.graph.nodes] == [n.name for n in before.module.graph.nodes]
    x = torch.randn(3, *before.input_shape, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        assert torch.equal(refill(module, before.module)(x), before.module(x))


def test_what_the_vocabulary_lacks_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no word for 0, a RReLU; it knows .*ReLU"):
        describe(from_module(leaf(nn.RReLU()), (3,), ("a",), "net"))

    class Bessel(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.special.i0(x).cumprod(1)

    with pytest.raises(ValueError, match="i0"):
        describe(from_module(Bessel(), (3,), ("a",), "net"))


def test_every_word_has_a_meaning_that_runs_no_text() -> None:
    assert all(issubclass(kind, nn.Module) for kind in KINDS.values())
    forbidden = {eval, exec, compile, __import__, open, setattr, operator.methodcaller, torch.load}
    assert not forbidden & set(FUNCTIONS.values())


def structure_of(*nodes: Any, leaves: Any = (), tensors: Any = ()) -> dict[str, Any]:
    return {
        "name": "n", "input": [3], "labels": ["a"], "tensors": dict(tensors),
        "leaves": list(leaves),
        "nodes": [["x", "placeholder", "x", [], {}], *nodes,
                  ["output", "output", "output", [{"node": "x"}], {}]],
    }  # fmt: skip


@pytest.mark.parametrize(
    "structure",
    [
        structure_of(["a", "call_function", "os.system", ["id"], {}]),
        structure_of(["a", "call_function", "builtins.eval", ["1"], {}]),
        structure_of(["a", "call_function", "builtins.getattr", [{"node": "x"}, "__class__"], {}]),
        structure_of(["a", "call_method", "__reduce__", [{"node": "x"}], {}]),
        structure_of(["a", "call_method", "register_hook", [{"node": "x"}, "f"], {}]),
        structure_of(["a", "run", "x", [], {}]),
        structure_of('evil")(); import os; (("', leaves=[["ReLU", {}]]),
        structure_of(["a;b", "call_function", "torch.relu", [{"node": "x"}], {}]),
        structure_of(["a", "call_function", "torch.relu", [], {"x);f(": 1}]),
        structure_of(["x", "call_function", "torch.relu", [{"node": "x"}], {}]),
        structure_of("r", leaves=[["Module", {}]]),
        structure_of("r", leaves=[["Linear", {"in_features": 2, "device": "cuda"}]]),
        structure_of("r"),
        structure_of(leaves=[["ReLU", {}]]),
    ],
)
def test_structures_that_would_call_something_else_are_refused(structure: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, RuntimeError)):
        rebuild(structure)


@pytest.mark.parametrize(
    ("leaves", "shape"),
    [
        ([["Linear", {"in_features": 3, "out_features": 1 << 40}]], (3,)),
        ([["Conv2d", {"in_channels": 1, "out_channels": 1, "kernel_size": 4000}]], (1, 9000, 9000)),
        ([["MaxPool2d", {"kernel_size": 3000, "stride": 1}]], (1, 8000, 8000)),
        ([["AdaptiveAvgPool2d", {"output_size": [60000, 60000]}]], (1, 2, 2)),
        ([["ZeroPad2d", {"padding": 100000}]], (1, 2, 2)),
        ([["ReLU", {}]], (1 << 20, 1 << 20)),
        ([["GRURecurrence", {"hidden_size": 1}]], (1 << 24, 3)),
    ],
)
def test_absurd_sizes_are_refused_before_any_memory_is_taken(
    leaves: Any, shape: tuple[int, ...]
) -> None:
    structure = structure_of("r", leaves=leaves)
    with pytest.raises((ValueError, RuntimeError)):
        check_effort(rebuild(structure), shape)


def test_arguments_keep_their_types() -> None:
    arguments = (1, 2.5, None, True, "text", float("-inf"), slice(None, 3), (1, (2,)), [3, [4]])
    assert value_of(json.loads(json.dumps(plain(arguments))), {}) == arguments
    with pytest.raises(ValueError, match="no word for an argument"):
        plain(torch.float32)
