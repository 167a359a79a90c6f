import torch
from torch import nn

from compress_core.equalize import equalize
from compress_core.network import from_module, layer_weight


def test_the_answers_stay_and_neighbouring_ranges_meet() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5), nn.ReLU(),
        nn.Linear(5, 2),
    )  # fmt: skip
    with torch.no_grad():
        module[0].weight[2] *= 100
    network = from_module(module, (1, 8, 8), ("a", "b"), "small")
    even = equalize(network)
    x = torch.randn(6, 1, 8, 8)
    assert torch.allclose(even.module(x), network.module(x), atol=1e-4)
    reach = layer_weight(even.module, "0").flatten(1).abs().amax(1)
    reads = layer_weight(even.module, "4").reshape(5, 4, 9).abs().amax((0, 2))
    assert torch.allclose(reach, reads, rtol=1e-2)
    assert reach.max() / reach.min() < 15  # it was above 60 before


def test_layers_that_share_an_input_are_left_alone() -> None:
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(3, 3), nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.a(x).relu()
            return self.b(y) + self.c(y)

    network = from_module(Fork(), (3,), ("a", "b"), "fork")
    even = equalize(network)
    assert torch.equal(layer_weight(even.module, "a"), layer_weight(network.module, "a"))
