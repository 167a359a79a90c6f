from copy import deepcopy

import pytest
import torch
from torch import fx, nn

from compress_core.quick import overwrite
from tests.nets import untrained


class Sometimes(nn.Module):
    """Two activation functions: one reads what nothing else does, one what is added later."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU6()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.second(self.relu(self.first(x)))
        return nn.functional.relu6(y) + y


def test_only_what_nobody_else_reads_is_written_over() -> None:
    torch.manual_seed(0)
    module = fx.symbolic_trace(Sometimes())
    before, x = deepcopy(module), torch.randn(8, 4)
    overwrite(module)
    assert module.relu.inplace
    (call,) = (node for node in module.graph.nodes if node.target is nn.functional.relu6)
    assert not call.kwargs.get("inplace")
    with torch.no_grad():
        assert torch.equal(module(x), before(x))


def test_inputs_and_functions_that_are_called_twice_stay() -> None:
    module = fx.symbolic_trace(nn.Sequential(nn.ReLU(), nn.Linear(2, 2)))
    overwrite(module)
    x = torch.tensor([[-1.0, 1.0]])
    module(x)
    assert x.tolist() == [[-1.0, 1.0]]

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.relu = nn.Linear(2, 2), nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.relu(self.layer(self.relu(x)))

    shared = fx.symbolic_trace(Twice())
    overwrite(shared)
    shared(x)
    assert not shared.relu.inplace and x.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize("name", ["lenet-5", "resnet-20"])
def test_networks_answer_the_same(name: str) -> None:
    network = untrained(name)
    module, x = deepcopy(network.module), torch.rand(3, *network.input_shape)
    overwrite(module)
    with torch.no_grad():
        assert torch.equal(module(x), network.module(x))
