"""A compressed network that learns: float32 weights, masked and rounded anew at every step."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from compress_core.align import aligned
from compress_core.compressed import Compressed
from compress_core.duplicate import duplicate
from compress_core.grids import Grid, LinearGrid
from compress_core.learned_step import LearnedStep
from compress_core.quantize import insert_quantizers, shipped_weight
from compress_core.quick import copy_views

State = dict[str, Tensor]


class Trainable(nn.Module):
    """The float weights of a `Compressed` as parameters; with *learn_scales* its step sizes too."""

    def __init__(self, compressed: Compressed, learn_scales: bool = False) -> None:
        super().__init__()
        self.compressed = compressed
        # In a tuple, so that it is no part of this module and its state.
        self.judged: tuple[nn.Module, ...] = ()
        self.graph = duplicate(compressed.network.module)
        for name, weight in compressed.rounded.items():
            self.graph.get_submodule(name).weight.copy_(weight)  # type: ignore[operator]
        self.graph.requires_grad_(True)
        insert_quantizers(self.graph, dict(compressed.activation_grids))
        copy_views(self.graph)
        self.graph.recompile()
        self.layer_names = compressed.layer_names
        self.masks = dict(compressed.masks)
        self.weight_grids = dict(compressed.weight_grids)
        self.weight_steps = nn.ModuleDict()
        if learn_scales:
            self._learn_scales(compressed)

    def train(self, mode: bool = True) -> "Trainable":
        """Begin to train, or to be judged: then it computes exactly as what would be shipped."""
        super().train(mode)
        if mode:
            self.judged = ()
        else:
            self.judged = (trained(self.compressed, self, self.state_dict()).module,)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of a batch, computed with the weights as they would be shipped."""
        for judged in self.judged:
            answer: Tensor = judged.to(x.device)(x)
            return answer
        changed = {*self.masks, *self.weight_grids}
        weights = {f"{name}.weight": self._shipped(name) for name in changed}
        logits: Tensor = functional_call(self.graph, weights, (x,))
        return logits

    def _learn_scales(self, compressed: Compressed) -> None:
        for name, grid in compressed.weight_grids.items():
            if isinstance(grid, LinearGrid):
                self.weight_steps[_key(name)] = LearnedStep(grid)
        for node, grid in compressed.activation_grids.items():
            if isinstance(grid, LinearGrid):
                self.graph.set_submodule(f"{node}_grid", LearnedStep(grid))

    def _shipped(self, name: str) -> Tensor:
        weight = self.graph.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        mask, grid = self.masks.get(name), self.weight_grids.get(name)
        mask = None if mask is None else mask.to(weight.device)
        if _key(name) in self.weight_steps:
            rounded: Tensor = self.weight_steps[_key(name)](shipped_weight(weight, mask, None))
            return rounded
        return shipped_weight(weight, mask, None if grid is None else grid.to(str(weight.device)))


def trained(compressed: Compressed, trainable: Trainable, state: State) -> Compressed:
    """Return *compressed* with the weights, masks and scales of a *state* of its trainable."""
    cpu = {name: value.cpu() for name, value in state.items()}
    module = duplicate(compressed.network.module)
    module.load_state_dict({name: cpu[f"graph.{name}"] for name in module.state_dict()})
    with torch.no_grad():
        for name, mask in trainable.masks.items():
            # What is masked has no value; without this the file would depend on the past.
            module.get_submodule(name).weight.mul_(mask)  # type: ignore[operator]
    module.requires_grad_(False)
    weight_scales = {
        name: cpu.get(f"weight_steps.{_key(name)}.log_scale") for name in compressed.weight_grids
    }
    activation_scales = {
        node: cpu.get(f"graph.{node}_grid.log_scale") for node in compressed.activation_grids
    }
    network = replace(compressed.network, module=module)
    rescaled = _rescaled(compressed.activation_grids, activation_scales)
    return replace(
        compressed,
        network=network,
        masks=dict(trainable.masks),
        weight_grids=_rescaled(compressed.weight_grids, weight_scales),
        # Learned one by one, scales would no longer be in tune.
        activation_grids=aligned(network, rescaled),
        # Training went on from there; what the weights were before is not known any more.
        rounded={},
    )


def _rescaled(grids: Mapping[str, Grid], logs: dict[str, Tensor | None]) -> dict[str, Grid]:
    return {
        name: grid if (log := logs[name]) is None else replace(grid, scale=log.exp())
        for name, grid in grids.items()
    }


def _key(name: str) -> str:
    """Return a layer name as the name of a submodule, which must not contain dots."""
    return name.replace(".", "/")
