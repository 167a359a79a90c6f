from copy import deepcopy

import torch
from torch import fx, nn

from compress_core.duplicate import duplicate
from tests.nets import untrained


class Twice(nn.Module):
    """Calls one leaf twice; two others share their weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.block = nn.Sequential(nn.BatchNorm1d(4), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(self.second(self.first(self.first(x))))


def test_a_copy_gives_the_same_and_shares_no_tensor() -> None:
    module = untrained("resnet-20").module
    twin = duplicate(module)
    x = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(twin(x), module(x))
    assert [n.name for n in twin.graph.nodes] == [n.name for n in module.graph.nodes]
    theirs = {value.data_ptr() for value in module.state_dict().values()}
    assert list(twin.state_dict()) == list(module.state_dict())
    assert theirs.isdisjoint(value.data_ptr() for value in twin.state_dict().values())
    assert {id(leaf) for leaf in module.modules()}.isdisjoint(id(leaf) for leaf in twin.modules())


def test_what_is_changed_in_a_copy_stays_in_it() -> None:
    module = fx.symbolic_trace(Twice()).eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    twin = duplicate(module)
    assert not twin.training and not twin.get_submodule("first").training
    seen: list[str] = []
    twin.get_submodule("first").register_forward_hook(lambda *_: seen.append("hook"))
    twin.get_submodule("first").weight.data.zero_()  # type: ignore[union-attr, operator]
    twin.train()(torch.ones(3, 4))
    module(torch.ones(3, 4))
    assert seen == ["hook", "hook"]
    assert all(torch.equal(module.state_dict()[name], value) for name, value in before.items())
    assert not module.get_submodule("block.0").training


def test_what_is_shared_in_the_network_is_shared_in_the_copy() -> None:
    twin = duplicate(fx.symbolic_trace(Twice()))
    first, second = twin.get_submodule("first"), twin.get_submodule("second")
    assert first.weight is second.weight and first.bias is not second.bias
    assert isinstance(first.weight, nn.Parameter) and first.weight.requires_grad
    assert sum(node.target == "first" for node in twin.graph.nodes) == 2


def test_what_is_recompiled_is_the_copy_alone() -> None:
    module = fx.symbolic_trace(Twice()).eval()
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    before, twin = module(x), duplicate(module)
    assert torch.equal(twin(x), before)
    (last,) = (node for node in twin.graph.nodes if node.target == "block.1")
    last.replace_all_uses_with(last.args[0])
    twin.graph.erase_node(last)
    twin.recompile()
    assert bool((twin(x) < 0).any())
    assert torch.equal(module(x), before) and "block.1" not in twin.code
    again = duplicate(twin)
    assert torch.equal(again(x), twin(x)) and again.graph.owning_module is again
    assert torch.equal(deepcopy(again)(x), twin(x))


def test_values_that_are_given_are_taken_as_they_are() -> None:
    module = fx.symbolic_trace(Twice()).eval()
    given = torch.zeros(4, 4)
    twin = duplicate(module, {"first.weight": given})
    assert twin.get_submodule("first").weight.data_ptr() == given.data_ptr()
    # Both layers share the weight that it takes the place of.
    assert twin.get_submodule("second").weight.data_ptr() == given.data_ptr()
    assert bool(module.get_submodule("first").weight.any())
