"""Pruning: single weights by mask, whole channels by really smaller shapes."""

import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.data import Part
from compress_core.masks import keep_above, keep_by_share, keep_globally
from compress_core.network import LAYER_KINDS, Network, from_graph, output_layers
from compress_core.recipe import Prune

RE_ESTIMATE_BATCHES = 20
"""Training batches that batch-norm statistics are taken from anew after a change."""


def prune_weights(weights: dict[str, Tensor], step: Prune) -> dict[str, Tensor]:
    """
    Return a mask for each weight, by magnitude (Han et al., 2015).

    *weights* maps layer names to their weights; global allocation ranks them all together.
    """
    scores = {name: weight.abs() for name, weight in weights.items()}
    if step.threshold is not None:
        return {name: keep_above(score, step.threshold) for name, score in scores.items()}
    assert step.sparsity is not None
    if step.allocation == "global":
        return keep_globally(scores, step.sparsity)
    return {name: keep_by_share(score, step.sparsity) for name, score in scores.items()}


def prune_channels(network: Network, steps: Sequence[Prune]) -> Network:
    """
    Return a network without its weakest channels; every shape that depended on them shrinks.

    Channels that residual connections tie together are scored and removed together, by the root
    mean square of the weights that produce them. The last step that matches one of the tied layers
    decides. Outputs stay, and so does one channel of every layer.
    """
    module = deepcopy(network.module)
    module.requires_grad_(True)  # the dependency graph is read off the autograd graph
    graph = _dependencies(module, network.input_shape)
    removals = _removals(list(_tied_channels(graph, module)), steps)
    for layer, prune_out, channels in removals:
        graph.get_pruning_group(layer, prune_out, channels).prune()
    module.requires_grad_(False)
    return from_graph(module, network.input_shape, network.labels, network.name)


def re_estimate_batch_norm(module: fx.GraphModule, part: Part) -> None:
    """Set the batch-norm statistics of *module* (in place) from training samples."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over all batches
        norm.train()
    with torch.no_grad():
        for x, _ in part.head(RE_ESTIMATE_BATCHES * 128).batches(128):
            module(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


class _Group:
    """Channels that live and die together: their layers, and one score per channel."""

    def __init__(self, root: nn.Module, prune_out: Any, layers: dict[str, Tensor]) -> None:
        self.root, self.prune_out, self.layers = root, prune_out, frozenset(layers)
        squares = torch.stack([w.flatten(1).square().mean(1) for w in layers.values()])
        self.score = squares.mean(0).sqrt()


def _removals(
    groups: list[_Group], steps: Sequence[Prune]
) -> Iterator[tuple[nn.Module, Any, list[int]]]:
    for step in steps:
        chosen = [g for g in groups if _deciding_step(g, steps) is step]
        for group, mask in zip(chosen, _channel_masks(chosen, step), strict=True):
            channels = torch.nonzero(~mask).flatten().tolist()
            if channels:
                yield group.root, group.prune_out, channels


def _deciding_step(group: _Group, steps: Sequence[Prune]) -> Prune | None:
    matching = [s for s in steps if any(fnmatchcase(name, s.layers) for name in group.layers)]
    return matching[-1] if matching else None


def _channel_masks(groups: list[_Group], step: Prune) -> list[Tensor]:
    scores = {str(index): group.score for index, group in enumerate(groups)}
    if step.threshold is not None:
        return [keep_above(score, step.threshold) for score in scores.values()]
    assert step.sparsity is not None
    if step.allocation == "global" and scores:
        return list(keep_globally(scores, step.sparsity).values())
    counts = {name: min(step.sparsity, 1 - 1 / len(score)) for name, score in scores.items()}
    return [keep_by_share(score, counts[name]) for name, score in scores.items()]


def _dependencies(module: fx.GraphModule, input_shape: tuple[int, ...]) -> Any:
    # Imported here: the library takes a second that only channel pruning needs.
    import torch_pruning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch_pruning.DependencyGraph().build_dependency(
            module, torch.zeros(1, *input_shape), verbose=False
        )


def _tied_channels(graph: Any, module: fx.GraphModule) -> Iterator[_Group]:
    names = {leaf: name for name, leaf in module.named_modules()}
    kept = output_layers(module)
    ignored = [leaf for leaf, name in names.items() if name in kept]
    kinds = list(LAYER_KINDS)
    for group in graph.get_all_groups(ignored_layers=ignored, root_module_types=kinds):
        layers: dict[str, Tensor] = {}
        for dependency, _ in group:
            leaf = dependency.target.module
            prunes_outputs = graph.is_out_channel_pruning_fn(dependency.handler)
            if type(leaf) in LAYER_KINDS and prunes_outputs:
                layers[names[leaf]] = leaf.weight.detach()
        if layers and not kept & layers.keys():
            yield _Group(group[0].dep.target.module, group[0].dep.handler, layers)
