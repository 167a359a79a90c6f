"""Fold the steps of a recipe over a network: network, recipe -> Compressed. Nothing is changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile

from torch import Tensor

from compress_core.align import aligned
from compress_core.batch_norms import moved_statistics, norms
from compress_core.calibrate import observe, reached
from compress_core.compressed import Compressed
from compress_core.correct import corrected_biases
from compress_core.criteria import CRITERIA, NEEDS_DATA
from compress_core.data import Data, Part
from compress_core.equalize import equalize
from compress_core.factorize import factorize
from compress_core.network import Network, matching
from compress_core.prune import prune_channels, prune_weights
from compress_core.quantize import (
    ANSWER_BITS,
    activation_grid,
    activation_sites,
    fold_batch_norms,
    foldable,
    weight_grid,
)
from compress_core.recipe import (
    Factorize,
    Prune,
    Quantize,
    Recipe,
    RecipeError,
    Step,
    changes_shapes,
)
from compress_core.rounding import learn_rounding


def compress(
    network: Network, recipe: Recipe, data: Data | None = None, prepared: Compressed | None = None
) -> Compressed:
    """
    Apply the steps of *recipe* in their order and return the result; *network* stays as it is.

    *data* calibrates activations and re-estimates batch norms, from its training part alone.
    *prepared* is what `prepare` returned, where it is known already. Raises RecipeError for a
    pattern that matches no layer and where data are needed but missing.
    """
    return compress_activations(compress_weights(network, recipe, data, prepared), data)


def compress_weights(
    network: Network, recipe: Recipe, data: Data | None = None, prepared: Compressed | None = None
) -> Compressed:
    """Do the part of `compress` that decides weights and biases."""
    result = replace(prepared or prepare(network, recipe, data), recipe=recipe)
    _check_patterns(result, [step for step in recipe.steps if not changes_shapes(step)])
    for step in recipe.steps[len(_steps_before_rounding(recipe)) :]:
        if isinstance(step, Quantize):
            result = _quantize_weights(result, step, data)
        elif isinstance(step, Prune) and step.granularity != "channel":
            result = _prune_weights(result, step, data)
    return result


@dataclass(frozen=True, eq=False, slots=True)
class Pruned:
    """A network in its last shapes, before batch norms learn of it."""

    compressed: Compressed
    left: Mapping[str, Tensor]
    """Batch norm -> which of its channels are left, where any are gone."""


def prune(network: Network, recipe: Recipe, data: Data | None = None) -> Pruned:
    """Do the part of `prepare` that decides what is removed."""
    shaping = [step for step in recipe.steps if changes_shapes(step)]
    result = Compressed(
        original=network, recipe=recipe, network=network,
        masks={}, weight_grids={}, activation_grids={},
    )  # fmt: skip
    _check_patterns(result, shaping)
    result, left = _remove_channels(result, data)
    result = _factorize(result)
    _check_patterns(result, [step for step in recipe.steps if step not in shaping])
    for step in _steps_before_rounding(recipe):
        if isinstance(step, Prune) and step.granularity != "channel":
            result = _prune_weights(result, step, data)
    return Pruned(result, left)


def prepare(
    network: Network, recipe: Recipe, data: Data | None = None, pruned: Pruned | None = None
) -> Compressed:
    """
    Do what comes before the first rounding: prune, factorize, re-estimate and fold batch norms.

    It takes most of the time, and is the same for all recipes with one `preparation`. *pruned* is
    what `prune` returned, where it is known already.
    """
    pruned = pruned or prune(network, recipe, data)
    result = pruned.compressed
    # Batch norms can be re-estimated only while they exist.
    moved = _re_estimated(result, data, pruned.left)
    if _rounds(recipe):
        return replace(result, network=fold_batch_norms(result.network, moved))
    return result.with_values(moved) if moved else result


def foreseen(pruned: Pruned, recipe: Recipe) -> Compressed:
    """
    Return the grids of weights that are known before batch norms are: those of other layers.

    Where there are no batch norms it names none, as nothing is to be waited for. It is a guess:
    rounding that is learned, say, has not been.
    """
    result = pruned.compressed
    before = {str(layer.target) for layer, _ in foldable(result.network.module)}
    others = [name for name in result.layer_names if name not in before] if before else []
    grids = {
        name: weight_grid(result.weight(name), step)
        for step in recipe.steps
        if isinstance(step, Quantize) and step.weight_bits is not None
        for name in matching(step.layers, others)
    }
    return replace(result, weight_grids=grids)


def preparation(recipe: Recipe) -> str:
    """Return a name for all that `prepare` reads of *recipe*."""
    shaping = [step for step in recipe.steps if changes_shapes(step)]
    return repr((shaping, _steps_before_rounding(recipe), _rounds(recipe), recipe.seed))


def _steps_before_rounding(recipe: Recipe) -> list[Step]:
    return list(takewhile(lambda step: not isinstance(step, Quantize), recipe.steps))


def _rounds(recipe: Recipe) -> bool:
    return any(isinstance(step, Quantize) for step in recipe.steps)


def _check_patterns(result: Compressed, steps: Sequence[Step]) -> None:
    for step in steps:
        if not matching(step.layers, result.layer_names):
            names = ", ".join(result.layer_names)
            raise RecipeError(f"No layer is called {step.layers!r}; this network has {names}.")


def _remove_channels(
    result: Compressed, data: Data | None
) -> tuple[Compressed, Mapping[str, Tensor]]:
    """Return the result and which channels its batch norms have left, where any are gone."""
    steps = [s for s in result.recipe.steps if isinstance(s, Prune) and s.granularity == "channel"]
    if not steps:
        return result, {}
    scorer = partial(_scores, result, data)
    network, left = prune_channels(result.network, steps, scorer)
    return replace(result, network=network), left


def _factorize(result: Compressed) -> Compressed:
    steps = [s for s in result.recipe.steps if isinstance(s, Factorize)]
    return replace(result, network=factorize(result.network, steps)) if steps else result


def _scores(
    result: Compressed, data: Data | None, step: Prune, names: list[str]
) -> dict[str, Tensor]:
    """Score weights by the criterion of *step*, as they are after the steps before."""
    needs_data = step.criterion in NEEDS_DATA
    part = _training_part(data, f"The criterion {step.criterion}") if needs_data else None
    return CRITERIA[step.criterion](result.network.module, names, part, result.recipe.seed)


def _prune_weights(result: Compressed, step: Prune, data: Data | None) -> Compressed:
    names = matching(step.layers, result.layer_names)
    masks = prune_weights(_scores(result, data, step, names), step)
    return replace(result, masks={**result.masks, **masks})


def _re_estimated(
    result: Compressed, data: Data | None, left: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """Return batch-norm statistics that fit the pruned weights, where any are gone."""
    changed = result.masks or result.network is not result.original
    if data is None or not len(data.train) or not changed or not norms(result.network.module):
        return {}
    module, weights = result.network.module, result.weights
    return moved_statistics(module, result.original, data.train, weights, left)


def _quantize_weights(result: Compressed, step: Quantize, data: Data | None) -> Compressed:
    if step.weight_bits is None:
        return result
    if step.equalize:
        result = replace(result, network=equalize(result.network))
    names = matching(step.layers, result.layer_names)
    floats = replace(result, weight_grids={}, rounded={})
    grids = {name: weight_grid(floats.weight(name), step) for name in names}
    others = {name: weight for name, weight in result.rounded.items() if name not in grids}
    rounded = replace(result, weight_grids={**result.weight_grids, **grids}, rounded=others)
    if step.rounding == "learned":
        rounded = _learn_rounding(rounded, names, step, _training_part(data, "Learned rounding"))
    if step.bias_correction:
        part = _training_part(data, "Bias correction")
        shipped = {name: rounded.weight(name) for name in names}
        biases = corrected_biases(result.network.module, shipped, part)
        rounded = rounded.with_values({f"{name}.bias": bias for name, bias in biases.items()})
    return rounded


def _learn_rounding(result: Compressed, names: list[str], step: Quantize, part: Part) -> Compressed:
    learned = learn_rounding(
        replace(result, weight_grids={}, rounded={}).graph,
        {name: result.weight(name) for name in result.layer_names},
        {name: result.weight_grids[name] for name in names},
        part,
        reconstruction=step.reconstruction,
        seed=result.recipe.seed,
    )
    return replace(result, rounded={**result.rounded, **learned})


def _training_part(data: Data | None, what: str) -> Part:
    if data is None or not len(data.train):
        raise RecipeError(
            f"{what} looks at sample data and there are none; add data or leave it out."
        )
    return data.train


def compress_activations(result: Compressed, data: Data | None) -> Compressed:
    """Do the rest of `compress`: put activations on the grids that the recipe asks for."""
    sites = dict(activation_steps(result))
    if not sites:
        return result
    part = _training_part(data, "Rounding activations")
    look = reached if all(s.calibration == "minmax" for _, s in sites.values()) else observe
    seen = look(result.network.module, part, sites.keys(), result.weights)
    known = {node: how for node, how in sites.items() if node in seen}
    grids = {node: activation_grid(seen[node], *how) for node, how in known.items()}
    return result.with_activation_grids(aligned(result.network, grids))


def activation_steps(result: Compressed) -> Iterator[tuple[str, tuple[int, Quantize]]]:
    """Yield node -> (bits, step); what belongs to no single layer follows the steps for all."""
    steps = [s for s in result.recipe.steps if isinstance(s, Quantize) and s.activation_bits]
    for site in activation_sites(result.network.module):
        owners = [site.layer] if site.layer else []
        deciding = [s for s in steps if s.layers == "*" or matching(s.layers, owners)]
        if deciding:
            bits = deciding[-1].activation_bits or 0
            yield site.node, (max(bits, ANSWER_BITS) if site.answer else bits, deciding[-1])
