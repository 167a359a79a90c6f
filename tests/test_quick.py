import pytest
import torch
from torch import fx, nn

from compress_core.quick import Passage
from tests.nets import fingerprint, untrained


class Sometimes(nn.Module):
    """Two activation functions: one reads what nothing else does, one what is added later."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU6()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.second(self.relu(self.first(x)))
        return nn.functional.relu6(y) + y


class Twice(nn.Module):
    """Calls one activation function twice: with its input, and with what a layer gives."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.relu = nn.Linear(2, 2), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.layer(self.relu(x)))


def names(passage: Passage) -> set[str]:
    return {node.name for node in passage.overwriting}


def test_only_what_nobody_else_reads_is_written_over() -> None:
    torch.manual_seed(0)
    module = fx.symbolic_trace(Sometimes())
    passage, x = Passage(module), torch.randn(8, 4)
    assert names(passage) == {"relu"}
    with torch.no_grad():
        assert torch.equal(passage.run(x), module(x))
    assert not module.relu.inplace


def test_inputs_stay() -> None:
    module = fx.symbolic_trace(Twice())
    passage, x = Passage(module), torch.tensor([[-1.0, 1.0]])
    assert names(passage) == {"relu_1"}
    assert not passage.run(x).requires_grad
    assert x.tolist() == [[-1.0, 1.0]]


def test_other_weights_stand_in_and_none_stays() -> None:
    module = fx.symbolic_trace(Sometimes())
    before, x = module.first.weight.clone(), torch.randn(8, 4)
    found = Passage(module, {"first": torch.zeros(4, 4)}).run(x)
    # The first layer then gives its bias, whatever it reads.
    assert torch.equal(found, found[:1].expand(8, 4))
    assert torch.equal(module.first.weight, before)
    assert not torch.equal(Passage(module).run(x), found)


@pytest.mark.parametrize("name", ["lenet-5", "resnet-20"])
def test_networks_answer_the_same_and_stay_as_they_are(name: str) -> None:
    network = untrained(name)
    before, x = fingerprint(network), torch.rand(3, *network.input_shape)
    found = Passage(network.module).run(x)
    with torch.no_grad():
        assert torch.allclose(found, network.module(x), atol=1e-5)
    assert fingerprint(network) == before


def test_views_of_pictures_are_copied() -> None:
    class Viewing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x).view(-1, 3 * 36)

    module, x = fx.symbolic_trace(Viewing()), torch.randn(2, 2, 8, 8)
    with torch.no_grad():
        assert torch.allclose(Passage(module).run(x), module(x), atol=1e-6)
