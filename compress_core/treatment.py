"""What a recipe does to each layer, in the three numbers that harm is estimated from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from compress_core.compress import activation_steps, compress
from compress_core.compressed import Compressed
from compress_core.network import Network
from compress_core.quantize import activation_sites, shipped_weight
from compress_core.recipe import Quantize, Recipe, Step


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one layer is treated."""

    layer: str | None
    """None for the input and for sums of several layers: only their values can be rounded."""
    sparsity: float = 0.0
    """Fraction of its weights that is pruned."""
    rounding: float = 0.0
    """||rounded - kept||^2 / ||float||^2: what rounding alone does to the kept weights."""
    activation_bits: int | None = None
    """Bits of the values that it computes; None where they stay as they are."""


def foreseen(network: Network, recipe: Recipe) -> tuple[Treatment, ...]:
    """
    Return what *recipe* would do to each layer, see `treatments`.

    From the weights alone: nothing is run, so batch norms keep their statistics here.
    """
    weights_only = replace(recipe, steps=tuple(_weights_only(recipe.steps)))
    return treatments(replace(compress(network, weights_only), recipe=recipe))


def treatments(result: Compressed) -> tuple[Treatment, ...]:
    """Return what was done to each layer, in order, after what belongs to none."""
    bits = _activation_bits(result)
    layers = (_treatment(result, name, bits.get(name)) for name in result.layer_names)
    return (Treatment(None, activation_bits=bits.get(None)), *layers)


def _weights_only(steps: Iterable[Step]) -> Iterable[Step]:
    for step in steps:
        if not isinstance(step, Quantize):
            yield step
        elif step.weight_bits is not None:
            yield replace(step, activation_bits=None)


def _treatment(result: Compressed, name: str, bits: int | None) -> Treatment:
    weight, mask = result.float_weight(name), result.masks.get(name)
    kept = shipped_weight(weight, mask, None)
    error = (shipped_weight(weight, mask, result.weight_grids.get(name)) - kept).double()
    energy = float(weight.double().square().sum())
    return Treatment(
        layer=name,
        sparsity=0.0 if mask is None else 1 - float(mask.double().mean()),
        rounding=float(error.square().sum()) / energy if energy else 0.0,
        activation_bits=bits,
    )


def _activation_bits(result: Compressed) -> dict[str | None, int]:
    """Return the bits of what each layer computes, the fewest where it computes several values."""
    owners = {site.node: site.layer for site in activation_sites(result.network.module)}
    found: dict[str | None, int] = {}
    for node, (bits, _) in activation_steps(result):
        owner = owners[node]
        found[owner] = min(bits, found.get(owner, bits))
    return found
