"""Run samples through a network and note what its values reach; leaves no hook behind."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.data import Part
from compress_core.quick import AS_THEY_ARE, Passage
from compress_core.recurrence import RECURRENT
from compress_core.streaming import Ends, StreamingHistogram, histogram

SAMPLES = 256
"""Training samples that activation ranges are taken from; of large ones fewer (`Part.few`)."""

BATCH_SIZE = 128
Batches = Iterator[tuple[Tensor, Tensor]]


def observe(
    module: fx.GraphModule,
    part: Part,
    nodes: Collection[str],
    weights: Mapping[str, Tensor] = AS_THEY_ARE,
) -> dict[str, StreamingHistogram]:
    """
    Return the histogram of the named nodes' outputs over the first samples of *part*.

    *weights* stand in for those of the layers that they name.
    Nodes whose output is no tensor of floats (a length, say) are left out.
    """
    return _seen(
        _Recorder(module, weights, nodes, histogram), part.few(SAMPLES).batches(BATCH_SIZE)
    )


def reached(
    module: fx.GraphModule,
    part: Part,
    nodes: Collection[str],
    weights: Mapping[str, Tensor] = AS_THEY_ARE,
) -> dict[str, Ends]:
    """Return the extremes of the same alone, in less time."""
    return _seen(
        _Recorder(module, weights, nodes, Ends().add), part.few(SAMPLES).pieces(BATCH_SIZE)
    )


def _seen(recorder: "_Recorder", batches: Batches) -> dict[str, Any]:
    for x, _ in batches:
        recorder.run(x)
    return recorder.seen


def input_norms(module: fx.GraphModule, part: Part, layers: Collection[str]) -> dict[str, Tensor]:
    """Return, for each named layer, the L2 norm of each input channel over the first samples."""
    moments = _moments(module, part, layers)
    return {name: seen.squares.sqrt() for name, seen in moments.items()}


def input_means(module: fx.GraphModule, part: Part, layers: Collection[str]) -> dict[str, Tensor]:
    """Return, for each named layer, the mean of each input channel over the first samples."""
    moments = _moments(module, part, layers)
    return {name: seen.sums / seen.count for name, seen in moments.items()}


@dataclass(slots=True)
class _Moments:
    """Sums over everything seen of an input, one for each of its channels."""

    count: int
    sums: Tensor
    squares: Tensor


def _moments(module: fx.GraphModule, part: Part, layers: Collection[str]) -> dict[str, _Moments]:
    recorder = _InputMoments(module, layers)
    with torch.no_grad():
        for x, _ in part.few(SAMPLES).batches(BATCH_SIZE):
            recorder.run(x)
    return recorder.moments


class _InputMoments(fx.Interpreter):
    def __init__(self, module: fx.GraphModule, layers: Collection[str]) -> None:
        super().__init__(module)
        self.layers = frozenset(layers)
        self.moments: dict[str, _Moments] = {}

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target in self.layers:
            new = _by_channel(self.fetch_attr(target), args[0])
            seen = self.moments.setdefault(
                target, _Moments(0, torch.zeros_like(new.sums), torch.zeros_like(new.sums))
            )
            seen.count += new.count
            seen.sums += new.sums
            seen.squares += new.squares
        return super().call_module(target, args, kwargs)


def _by_channel(layer: nn.Module, x: Tensor) -> _Moments:
    """Return the moments of each channel that the weight of *layer* is multiplied with."""
    if isinstance(layer, nn.Embedding):
        # Looking up a row is a product with a one and zeros: words are channels.
        seen = torch.bincount(x.flatten(), minlength=layer.num_embeddings).float()
        return _Moments(x.numel(), seen, seen)
    multiplied = MULTIPLIED.get(type(layer))
    rows = x.movedim(1, 0).flatten(1) if multiplied is None else multiplied(layer, x)
    return _Moments(rows.shape[1], rows.sum(1), rows.square().sum(1))


def _last(layer: Any, x: Tensor) -> Tensor:
    return x.movedim(-1, 0).flatten(1)


def _states(layer: Any, x: Tensor) -> Tensor:
    return _last(layer, layer.remembered(x))


MULTIPLIED: dict[type[nn.Module], Callable[[Any, Tensor], Tensor]] = {
    nn.Linear: _last,
    **dict.fromkeys(RECURRENT, _states),
}
"""Layers whose weight is multiplied with something else than channels on the second axis."""


class _Recorder(Passage):
    """Runs the graph node by node, so nothing has to be registered and removed."""

    def __init__(
        self,
        module: fx.GraphModule,
        weights: Mapping[str, Tensor],
        nodes: Collection[str],
        begin: Any,
    ) -> None:
        super().__init__(module, weights)
        self.nodes, self.begin = frozenset(nodes), begin
        self.seen: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.name in self.nodes and isinstance(value, Tensor) and value.is_floating_point():
            known = self.seen.get(n.name)
            self.seen[n.name] = self.begin(value) if known is None else known.add(value)
        return value
