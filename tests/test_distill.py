import torch
from torch import nn
from torch.nn import functional as F

from compress_core.distill import distillation
from compress_core.network import from_module

TEACHER = from_module(nn.Sequential(nn.Linear(4, 3)), (4,), ("a", "b", "c"), "teacher").module


def test_the_loss_is_the_papers_mixture() -> None:
    x, y = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    logits = torch.randn(5, 3)
    wanted, given = F.softmax(TEACHER(x) / 4, 1), F.softmax(logits / 4, 1)
    kl = (wanted * (wanted / given).log()).sum(1).mean()
    expected = 0.3 * F.cross_entropy(logits, y) + 0.7 * 16 * kl
    assert torch.allclose(distillation(TEACHER, 0.7, 4.0)(logits, x, y), expected, atol=1e-5)


def test_without_labels_the_classes_do_not_matter() -> None:
    x, logits = torch.randn(5, 4), torch.randn(5, 3)
    loss = distillation(TEACHER, 1.0, 2.0)
    first, second = (loss(logits, x, torch.full((5,), label)) for label in (0, 2))
    assert torch.equal(first, second)
    assert float(loss(TEACHER(x), x, torch.zeros(5, dtype=torch.long))) < 1e-6
