import torch
from torch import nn

from compress_core.correct import corrected_biases
from compress_core.data import Part
from compress_core.network import from_module, layer_weight


def test_the_mean_of_every_output_comes_back() -> None:
    torch.manual_seed(0)
    network = from_module(nn.Sequential(nn.Linear(6, 4)), (6,), ("a",) * 4, "one")
    part = Part(name="train", x=torch.rand(200, 6) + 1, y=torch.zeros(200, dtype=torch.long))
    rounded = torch.round(layer_weight(network.module, "0") * 3) / 3
    biases = corrected_biases(network.module, {"0": rounded}, part)
    before = network.module(part.x).mean(0)
    after = torch.nn.functional.linear(part.x, rounded, biases["0"]).mean(0)
    plain = torch.nn.functional.linear(part.x, rounded, network.module.get_submodule("0").bias)
    assert torch.allclose(after, before, atol=1e-5)
    assert not torch.allclose(plain.mean(0), before, atol=1e-2)
