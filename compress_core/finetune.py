"""Win the accuracy back: train what is left, with masks and grids kept."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from compress_core.compress import Compressed, shipped_weight
from compress_core.data import Data
from compress_core.events import Event, Finished, Improved
from compress_core.fit import Plan, State, fit
from compress_core.quantize import insert_quantizers
from compress_core.recipe import Finetune


def finetune(
    compressed: Compressed, plan: Finetune, data: Data, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[Event | Improved[Compressed] | Finished[Compressed]]:
    """
    Train *compressed* on and yield what happens; the last event's result is the best state.

    Masks stay, weights and activations stay on their grids (straight-through gradients). The
    argument itself is not changed. *stop* is asked between steps; the best state is kept.
    """
    trainable = Trainable(compressed)
    if plan.samples is not None:
        data = replace(data, train=data.train.head(plan.samples))
    loop = Plan(
        epochs=plan.epochs, lr=plan.lr, batch_size=plan.batch_size, amp=plan.amp, seed=plan.seed
    )
    for event in fit(trainable, data, loop, stop=stop):
        if isinstance(event, Improved):
            yield Improved(
                epoch=event.epoch,
                validation_accuracy=event.validation_accuracy,
                result=trained(compressed, event.result),
            )
        elif isinstance(event, Finished):
            yield Finished(
                cancelled=event.cancelled,
                best_epoch=event.best_epoch,
                validation_accuracy=event.validation_accuracy,
                seconds=event.seconds,
                seconds_per_step=event.seconds_per_step,
                dtype=event.dtype,
                result=trained(compressed, event.result),
            )
        else:
            yield event


class Trainable(nn.Module):
    """Float32 weights that are masked and rounded anew in every forward pass."""

    def __init__(self, compressed: Compressed) -> None:
        super().__init__()
        self.graph = deepcopy(compressed.network.module)
        self.graph.requires_grad_(True)
        insert_quantizers(self.graph, dict(compressed.activation_grids))
        self.compressed = compressed

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of a batch, computed with the weights as they would be shipped."""
        weights = {f"{name}.weight": self._shipped(name) for name in self._changed()}
        logits: Tensor = functional_call(self.graph, weights, (x,))
        return logits

    def _changed(self) -> set[str]:
        return {*self.compressed.masks, *self.compressed.weight_grids}

    def _shipped(self, name: str) -> Tensor:
        weight = self.graph.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        mask, grid = self.compressed.masks.get(name), self.compressed.weight_grids.get(name)
        device = str(weight.device)
        return shipped_weight(
            weight,
            None if mask is None else mask.to(device),
            None if grid is None else grid.to(device),
        )


def trained(compressed: Compressed, state: State) -> Compressed:
    """Return *compressed* with the weights of a `Trainable`'s state."""
    module = deepcopy(compressed.network.module)
    prefix = "graph."
    module.load_state_dict({name.removeprefix(prefix): value for name, value in state.items()})
    with torch.no_grad():
        for name, mask in compressed.masks.items():
            # What is masked has no value; without this the file would depend on the past.
            module.get_submodule(name).weight.mul_(mask)  # type: ignore[operator]
    module.requires_grad_(False)
    return replace(compressed, network=replace(compressed.network, module=module))
