"""Pruning: single weights by mask, whole channels by really smaller shapes."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.allocation import ALLOCATIONS
from compress_core.batch_norms import norms
from compress_core.criteria import group_score
from compress_core.duplicate import duplicate
from compress_core.masks import drop_lowest, keep_above, keep_n_of_m
from compress_core.network import MULTIPLYING, Network, from_graph, matching, output_layers
from compress_core.quantize import is_one_of
from compress_core.recipe import Prune, RecipeError
from compress_core.recurrence import RECURRENT


def prune_weights(scores: dict[str, Tensor], step: Prune) -> dict[str, Tensor]:
    """Return a mask for each layer from the *scores* of its weights, as *step* asks."""
    if step.granularity == "n:m":
        assert step.n_of_m is not None
        n, m = (int(number) for number in step.n_of_m.split(":"))
        return {name: keep_n_of_m(score, n, m) for name, score in scores.items()}
    if step.granularity == "weight":
        return _allocate(scores, step)
    groups = {name: group_score(score, step.criterion, 2) for name, score in scores.items()}
    return {
        name: mask.reshape(*mask.shape, *[1] * (scores[name].dim() - 2)).expand_as(scores[name])
        for name, mask in _allocate(groups, step).items()
    }


def _allocate(scores: dict[str, Tensor], step: Prune) -> dict[str, Tensor]:
    if step.threshold is not None:
        return {name: keep_above(score, step.threshold) for name, score in scores.items()}
    assert step.sparsity is not None
    return ALLOCATIONS[step.allocation](scores, step.sparsity)


Scorer = Callable[[Prune, list[str]], dict[str, Tensor]]


def prune_channels(
    network: Network, steps: Sequence[Prune], scorer: Scorer
) -> tuple[Network, Mapping[str, Tensor]]:
    """
    Return a network without its weakest channels; every shape that depended on them shrinks.

    With it comes, for each batch norm that keeps statistics, which of its channels are left.

    Channels that residual connections tie together are scored and removed together, by the scores
    of the weights that produce them. The last step that matches one of the tied layers decides.
    Outputs stay, and so does one channel of every layer. Raises RecipeError for a step that names
    outputs alone.
    """
    module, graph, groups = _open(network)
    _check_removable(groups, steps)
    shape = _answer_shape(module, network)
    _remove(graph, _removals(groups, steps, scorer))
    if _answer_shape(module, network) != shape:
        # Something wants just these sizes: the heads of an attention, for example.
        module, graph, groups = _open(network)
        groups = [group for group in groups if _can_go(network, group, shape)]
        _check_removable(groups, steps)
        _remove(graph, _removals(groups, steps, scorer))
    module.requires_grad_(False)
    left = _tell_numbers(module, network.module)
    return from_graph(module, network.input_shape, network.labels, network.name), left


@dataclass(frozen=True, eq=False, slots=True)
class _Group:
    """Channels that live and die together: the layers that produce them."""

    root: nn.Module
    prune_out: Any
    layers: tuple[str, ...]
    place: int
    """Among all groups."""


def _open(network: Network) -> tuple[fx.GraphModule, Any, list[_Group]]:
    """Return a copy to remove channels from, its dependencies and the channels tied by them."""
    module = duplicate(network.module)
    for norm in norms(module).values():
        # Numbers instead of means: they go with their channels.
        norm.running_mean = torch.arange(norm.num_features, dtype=torch.float32)
    module.requires_grad_(True)  # the dependency graph is read off the autograd graph
    parted = _without_memory(module, network.shapes)
    graph = _dependencies(parted, network.input_shape)
    return module, graph, list(_tied_channels(graph, parted))


def _tell_numbers(module: fx.GraphModule, original: fx.GraphModule) -> dict[str, Tensor]:
    """Return the numbers of the channels that are left, and put their means back (in place)."""
    numbers = {}
    for name, norm in norms(module).items():
        numbers[name] = norm.get_buffer("running_mean").long()
        norm.running_mean = original.get_buffer(f"{name}.running_mean")[numbers[name]]
    return numbers


def _without_memory(module: fx.GraphModule, shapes: Mapping[str, list[int]]) -> fx.GraphModule:
    """
    Return the same leaves in a graph that ends before each recurrence and begins again after it.

    What is removed on one side thus changes nothing on the other: hidden units are all wanted, and
    so is everything that their gates read.
    """
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    answer = graph.graph_copy(module.graph, copies)
    memories = [node for node in module.graph.nodes if is_one_of(module, node, RECURRENT)]
    for memory in memories:
        copy = copies[memory]
        with graph.inserting_before(copy):
            states = graph.call_function(torch.zeros, (shapes[memory.name],))
        copy.replace_all_uses_with(states)
    ends = [copies[memory].args[0] for memory in memories]
    for memory in memories:
        graph.erase_node(copies[memory])
    graph.output((answer, *ends) if ends else answer)
    return fx.GraphModule(module, graph)


def _remove(graph: Any, removals: Iterator[tuple[nn.Module, Any, list[int]]]) -> None:
    for layer, prune_out, channels in list(removals):
        graph.get_pruning_group(layer, prune_out, channels).prune()


def _can_go(network: Network, group: _Group, shape: tuple[int, ...] | None) -> bool:
    """Tell whether the network still works without the first channel of *group*."""
    module, graph, groups = _open(network)
    (same,) = (g for g in groups if g.layers == group.layers and g.place == group.place)
    _remove(graph, iter([(same.root, same.prune_out, [0])]))
    return _answer_shape(module, network) == shape


def _answer_shape(module: fx.GraphModule, network: Network) -> tuple[int, ...] | None:
    """Return the shape of the answer to three samples, or None where there is none."""
    with torch.inference_mode():
        try:
            # Not through the module's own call, which prints what goes wrong.
            return tuple(fx.Interpreter(module).run(torch.zeros(3, *network.input_shape)).shape)
        except (RuntimeError, IndexError, ValueError, TypeError):
            return None


def _check_removable(groups: list[_Group], steps: Sequence[Prune]) -> None:
    for step in steps:
        if step.sparsity != 0 and not any(matching(step.layers, g.layers) for g in groups):
            raise RecipeError(
                f"No channel of {step.layers!r} can go: they are the answers of the network, or "
                "something after them wants just so many; name other layers, or prune single "
                "weights there."
            )


def _removals(
    groups: list[_Group], steps: Sequence[Prune], scorer: Scorer
) -> Iterator[tuple[nn.Module, Any, list[int]]]:
    for step in steps:
        chosen = [g for g in groups if _deciding_step(g, steps) is step]
        masks = _channel_masks([_channel_scores(g, step, scorer) for g in chosen], step)
        for group, mask in zip(chosen, masks, strict=True):
            channels = torch.nonzero(~mask).flatten().tolist()
            if channels:
                yield group.root, group.prune_out, channels


def _deciding_step(group: _Group, steps: Sequence[Prune]) -> Prune | None:
    deciding = [step for step in steps if matching(step.layers, group.layers)]
    return deciding[-1] if deciding else None


def _channel_scores(group: _Group, step: Prune, scorer: Scorer) -> Tensor:
    scores = scorer(step, list(group.layers)).values()
    per_layer = torch.stack([group_score(score, step.criterion, 1) for score in scores])
    return per_layer.square().mean(0).sqrt() if step.criterion == "l2" else per_layer.mean(0)


def _channel_masks(scores: list[Tensor], step: Prune) -> list[Tensor]:
    if not scores:
        return []
    masks = _allocate({str(i): score for i, score in enumerate(scores)}, step).values()
    return [_round_up(m, s, step.round_to) for m, s in zip(masks, scores, strict=True)]


def _round_up(mask: Tensor, score: Tensor, multiple: int) -> Tensor:
    """Keep more channels until their number is a multiple, and at least one."""
    kept = max(1, int(mask.sum()))
    return drop_lowest(score, max(0, len(score) - -(-kept // multiple) * multiple))


def _dependencies(module: fx.GraphModule, input_shape: tuple[int, ...]) -> Any:
    # Imported here: the library takes a second that only channel pruning needs.
    import torch_pruning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return torch_pruning.DependencyGraph().build_dependency(
                module, (torch.zeros(1, *input_shape),), verbose=False
            )
        except Exception as error:
            raise RecipeError(
                "Which channels of this network belong together cannot be told (it has operators "
                "of its own); prune single weights instead."
            ) from error


def _tied_channels(graph: Any, module: fx.GraphModule) -> Iterator[_Group]:
    names = {leaf: name for name, leaf in module.named_modules()}
    kept = output_layers(module)
    ignored = [leaf for leaf, name in names.items() if name in kept]
    kinds = list(MULTIPLYING)
    all_groups = graph.get_all_groups(ignored_layers=ignored, root_module_types=kinds)
    for place, group in enumerate(all_groups):
        layers = tuple(
            names[dependency.target.module]
            for dependency, _ in group
            if type(dependency.target.module) in MULTIPLYING
            and graph.is_out_channel_pruning_fn(dependency.handler)
        )
        if layers and not kept.intersection(layers):
            yield _Group(group[0].dep.target.module, group[0].dep.handler, layers, place)
