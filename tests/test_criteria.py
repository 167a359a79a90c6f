import torch
from torch import nn
from torch.nn import functional as F

from compress_core.criteria import CRITERIA, group_score, taylor, wanda
from compress_core.data import Part
from compress_core.network import from_module, layer_weight


def small_network() -> tuple[torch.fx.GraphModule, Part]:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    network = from_module(module, (1, 6, 6), ("a", "b"), "small")
    part = Part(name="train", x=torch.randn(40, 1, 6, 6), y=torch.arange(40) % 2)
    return network.module, part


def test_taylor_is_the_gradient_of_the_loss_times_the_weight() -> None:
    module, part = small_network()
    scores = taylor(module, ["0", "3"], part)
    copy = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    copy.load_state_dict(module.state_dict())
    F.cross_entropy(copy(part.x), part.y).backward()
    expected = (copy[0].weight.grad * copy[0].weight).abs()
    assert torch.allclose(scores["0"], expected, atol=1e-6)


def test_wanda_weighs_with_the_norm_of_each_input() -> None:
    module, part = small_network()
    scores = wanda(module, ["0", "3"], part)
    features = module.get_submodule("0")(part.x).relu().flatten(1)
    expected = layer_weight(module, "3").abs() * features.norm(dim=0)
    assert torch.allclose(scores["3"], expected, rtol=1e-4)
    assert torch.allclose(scores["0"], layer_weight(module, "0").abs() * part.x.norm(), rtol=1e-4)


def test_every_criterion_scores_every_weight_and_leaves_the_network_alone() -> None:
    module, part = small_network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for name, criterion in CRITERIA.items():
        scores = criterion(module, ["0", "3"], part, 7)
        assert scores["0"].shape == (3, 1, 3, 3), name
        assert (scores["3"] >= 0).all(), name
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not any(p.requires_grad for p in module.parameters())


def test_random_scores_follow_the_seed() -> None:
    module, part = small_network()
    first, same, other = (CRITERIA["random"](module, ["3"], part, s)["3"] for s in (1, 1, 2))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_group_scores_are_root_mean_squares_or_means() -> None:
    score = torch.tensor([[[3.0, 4.0]], [[0.0, 2.0]]])
    assert torch.allclose(group_score(score, "l2", 1), torch.tensor([12.5**0.5, 2**0.5]))
    assert torch.allclose(group_score(score, "l1", 1), torch.tensor([3.5, 1.0]))
    assert torch.equal(group_score(score, "l1", 3), score)
