"""Batch-norm statistics taken anew, after weights before them have changed."""

from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from compress_core.data import Part
from compress_core.integers import leaf_of
from compress_core.quantize import BATCH_NORMS

BATCHES = 3
"""
Training batches that statistics are taken from.

Accuracies of 70 % and more of pruned VGG-small and ResNet-20 are within 0.2 points of those with 6.
"""
BATCH_SIZE = 128
LEAST = 1e-30
"""Variance of a channel that is the same everywhere."""
Moments = tuple[Tensor, Tensor]
"""Mean and variance of each channel."""


def re_estimate(module: fx.GraphModule, part: Part) -> None:
    """
    Set the batch-norm statistics of *module* (in place) to the mean of those of a few batches.

    A batch passes one layer after the other in pieces that memory and caches like, yet each batch
    norm takes its statistics from the whole batch, as in training.
    """
    seen: dict[nn.Module, list[Moments]] = {}
    with torch.no_grad():
        for x, _ in part.few(BATCHES * BATCH_SIZE).batches(BATCH_SIZE):
            _pass(module, x.split(part.piece_size(len(x))), seen)
    for norm, moments in seen.items():
        means, variances = zip(*moments, strict=True)
        _set(norm, torch.stack(means).mean(0), torch.stack(variances).mean(0))


def _pass(
    module: fx.GraphModule, pieces: Sequence[Tensor], seen: dict[nn.Module, list[Moments]]
) -> None:
    runners = [fx.Interpreter(module) for _ in pieces]
    for node in module.graph.nodes:
        norm = leaf_of(module, node)
        if isinstance(norm, BATCH_NORMS) and norm.running_mean is not None:
            mean, variance, count = _moments([r.env[node.all_input_nodes[0]] for r in runners])
            _set(norm, mean, variance)
            seen.setdefault(norm, []).append((mean, variance * (count / max(1, count - 1))))
        for runner, piece in zip(runners, pieces, strict=True):
            if node.op == "placeholder":
                runner.env[node] = piece
            elif node.op != "output":
                runner.env[node] = runner.run_node(node)
            for read in runner.user_to_last_uses.get(node, ()):
                del runner.env[read]


def _moments(pieces: Sequence[Tensor]) -> tuple[Tensor, Tensor, int]:
    """Return mean and variance of each channel (axis 1) over all pieces, and how many values."""
    counts = torch.tensor([float(x.numel() // x.shape[1]) for x in pieces])
    found = [torch.native_batch_norm(x, None, None, None, None, True, 0.0, LEAST) for x in pieces]
    means = torch.stack([mean for _, mean, _ in found])
    variances = torch.stack([inverse for _, _, inverse in found]).pow(-2)
    shares = (counts / counts.sum())[:, None]
    mean = (shares * means).sum(0)
    spread = (shares * (variances + (means - mean).square())).sum(0)
    return mean, spread, int(counts.sum())


def _set(norm: nn.Module, mean: Tensor, variance: Tensor) -> None:
    for name, value in (("running_mean", mean), ("running_var", variance)):
        getattr(norm, name).copy_(value)
