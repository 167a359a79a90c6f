"""Batch-norm statistics that fit changed weights, taken anew from a batch of training samples."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.data import Part
from compress_core.network import Network
from compress_core.quantize import BATCH_NORMS
from compress_core.quick import AS_THEY_ARE, Passage, is_sole_reader

SAMPLES = 128
"""Of the training part that pass; of large ones fewer (`Part.few`)."""
Norm = nn.BatchNorm1d | nn.BatchNorm2d
Statistics = tuple[Tensor, Tensor]
"""Mean of each channel, and mean square of the distance from it."""
Choose = Callable[[str, Norm, Statistics], Statistics]
"""Name of a batch norm, itself and what it sees -> what it is to normalise by."""
NONE_GONE: Mapping[str, Tensor] = MappingProxyType({})


def norms(module: nn.Module) -> dict[str, Norm]:
    """Return the batch norms that keep statistics."""
    found = {n: leaf for n, leaf in module.named_modules() if isinstance(leaf, BATCH_NORMS)}
    return {name: leaf for name, leaf in found.items() if leaf.running_mean is not None}


def moved_statistics(
    module: fx.GraphModule,
    original: Network,
    part: Part,
    weights: Mapping[str, Tensor] = AS_THEY_ARE,
    left: Mapping[str, Tensor] = NONE_GONE,
) -> dict[str, Tensor]:
    """
    Return the statistics of the *original*, moved as far as the weights of *module* move them.

    *weights* stand in for those of the layers that they name.

    Means move by the difference to what the original sees of the same samples, and variances by the
    ratio. So a few samples do, and they need not be like those of the training: what is peculiar to
    them is on both sides (control variates; Hammersley and Handscomb, 1964). *left* are the
    channels that are left of batch norms, where some are gone.
    """
    usual, known = _usual(original, part), norms(original.module)
    found: dict[str, Tensor] = {}

    def move(name: str, norm: Norm, seen: Statistics) -> Statistics:
        at = left.get(name, slice(None))
        mean, variance = (values[at] for values in _kept(known[name]))
        usual_mean, usual_variance = (values[at] for values in usual[name])
        ratio = (seen[1] + norm.eps) / (usual_variance + norm.eps)
        mean = mean + (seen[0] - usual_mean)
        variance = ((variance + norm.eps) * ratio - norm.eps).clamp(min=0)
        found.update({f"{name}.running_mean": mean, f"{name}.running_var": variance})
        return mean, variance

    _Pass(module, weights, move).run(part.few(SAMPLES).inputs())
    return found


@lru_cache(maxsize=4)
def _usual(network: Network, part: Part) -> Mapping[str, Statistics]:
    """Return what the batch norms of *network* see."""
    found: dict[str, Statistics] = {}

    def note(name: str, norm: Norm, seen: Statistics) -> Statistics:
        found[name] = seen
        return _kept(norm)

    _Pass(network.module, AS_THEY_ARE, note).run(part.few(SAMPLES).inputs())
    return found


def _kept(norm: Norm) -> Statistics:
    assert norm.running_mean is not None and norm.running_var is not None
    return norm.running_mean, norm.running_var


class _Pass(Passage):
    """Lets each batch norm normalise by what is chosen once it sees the samples."""

    def __init__(
        self, module: fx.GraphModule, weights: Mapping[str, Tensor], choose: Choose
    ) -> None:
        super().__init__(module, weights)
        self.graph_module, self.choose, self.norms = module, choose, norms(module)

    def run_node(self, n: fx.Node) -> Any:
        name = str(n.target)
        if n.op != "call_module" or name not in self.norms:
            return super().run_node(n)
        norm, x = self.norms[name], self.env[n.all_input_nodes[0]]
        seen = torch.batch_norm_update_stats(x, None, None, 0.0)
        statistics = self.choose(name, norm, seen)
        return _normalised(norm, x, statistics, is_sole_reader(self.graph_module, n))


def _normalised(norm: Norm, x: Tensor, statistics: Statistics, over: bool) -> Tensor:
    """Return x normalised; written *over* x where nobody else reads it."""
    mean, variance = statistics
    scale = (variance + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -mean * scale if norm.bias is None else norm.bias - mean * scale
    across = (1, -1) + (1,) * (x.dim() - 2)
    out = x if over else None
    found: Tensor = torch.addcmul(shift.reshape(across), x, scale.reshape(across), out=out)
    return found
