"""A network and what was done to it: what every step of a recipe takes and returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from torch import Tensor, fx

from compress_core.duplicate import duplicate
from compress_core.grids import Grid
from compress_core.integer_layer import compute_in_integers
from compress_core.integers import integer_layers, round_biases
from compress_core.network import Network
from compress_core.quantize import insert_quantizers, shipped_weight
from compress_core.quick import channels_last
from compress_core.recipe import Recipe


@dataclass(frozen=True, eq=False, kw_only=True)
class Compressed:
    """
    A network and what was done to it.

    The value of a layer's weight is fake_quantize(weight * mask, grid); mask and grid are absent
    where nothing was pruned or rounded. What *rounded* names stands in for the weight.
    """

    original: Network
    recipe: Recipe
    network: Network
    """The float weights, in the shapes that are left after channels were removed."""
    masks: Mapping[str, Tensor]
    """Layer name -> True where a weight is kept."""
    weight_grids: Mapping[str, Grid]
    """Layer name -> the values that its weight may take."""
    activation_grids: Mapping[str, Grid]
    """Node name -> the values that its output may take."""
    rounded: Mapping[str, Tensor] = field(default_factory=dict)
    """Layer name -> its weight on its grid, where rounding was learned."""

    @cached_property
    def module(self) -> fx.GraphModule:
        """The network as runtimes compute it; where all codes are integers, in integers."""
        module = self._written()
        sums = {layer.name for layer in self.network.layers if layer.macs}
        exact = sums <= set(integer_layers(module, self.weight_grids))
        compute_in_integers(module, self.weight_grids, self._codes)
        # Sums of integers are the same in any order; sums of floats keep the order of the files.
        return channels_last(module) if exact else module

    @cached_property
    def graph(self) -> fx.GraphModule:
        """The network as it is written down: weights on their grids, activations rounded."""
        module = self._written()
        module.recompile()
        return module

    def _written(self) -> fx.GraphModule:
        weights = {f"{name}.weight": self.weight(name) for name in self.layer_names}
        module = duplicate(self.network.module, weights)
        insert_quantizers(module, dict(self.activation_grids))
        round_biases(module, self.weight_grids)
        return module

    @property
    def layer_names(self) -> list[str]:
        """Names of the compressible layers, in order of execution."""
        return [layer.name for layer in self.network.layers]

    def weight(self, name: str) -> Tensor:
        """Return the weight of a layer as it is shipped; computed once, so read it only."""
        return self.weights[name]

    def codes(self, name: str) -> Tensor:
        """Return the weight of a layer as codes of its grid; as `weight`, to be read only."""
        return self._codes[name]

    @cached_property
    def _codes(self) -> dict[str, Tensor]:
        return {n: grid.encode(self._kept(n)) for n, grid in self.weight_grids.items()}

    @cached_property
    def weights(self) -> Mapping[str, Tensor]:
        """The weight of each layer as it is shipped; to be read only."""
        grids = self.weight_grids
        return {
            name: grids[name].decode(self._codes[name]) if name in grids else self._kept(name)
            for name in self.layer_names
        }

    def _kept(self, name: str) -> Tensor:
        weight = self.rounded.get(name, self.float_weight(name))
        return shipped_weight(weight, self.masks.get(name), None)

    def float_weight(self, name: str) -> Tensor:
        """Return the weight of a layer before masking and rounding."""
        weight = self.network.module.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        return weight

    def with_values(self, values: Mapping[str, Tensor]) -> "Compressed":
        """Return the same with other values for the named weights and biases."""
        module = duplicate(self.network.module)
        module.load_state_dict({**module.state_dict(), **values})
        return replace(self, network=replace(self.network, module=module))

    def with_activation_grids(self, grids: Mapping[str, Grid]) -> "Compressed":
        """Return the same with other grids of activations."""
        result = replace(self, activation_grids=grids)
        # What was computed of the weights stays true.
        for what in ("_codes", "weights"):
            if what in vars(self):
                vars(result)[what] = vars(self)[what]
        return result

    def __repr__(self) -> str:
        return f"Compressed({self.network.name}, recipe {self.recipe.digest()})"
