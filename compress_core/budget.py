"""From a wanted size or amount of work to the share that has to go."""

from collections.abc import Callable
from dataclasses import replace

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data
from compress_core.network import Network
from compress_core.recipe import Prune, Recipe, RecipeError
from compress_core.sizes import sizes

MEASURES: dict[str, Callable[[Compressed], float]] = {
    "packed_bytes": lambda compressed: sizes(compressed).packed_bytes,
    "macs": lambda compressed: compressed.network.macs,
}
"""What a budget can be given in."""
TRIES = 9
"""Halvings of the range of shares: within 1/500 of the layer."""


def share_for(
    network: Network, recipe: Recipe, data: Data | None, measure: str, limit: float
) -> float:
    """
    Return the smallest sparsity of the recipe's pruning steps with which *measure* is <= *limit*.

    All steps that prune by share get the same one. Raises RecipeError where nothing is pruned by
    share, or where even the largest share does not get there.
    """
    if not any(isinstance(s, Prune) and s.sparsity is not None for s in recipe.steps):
        raise RecipeError("Nothing is pruned by share here; switch pruning by share on first.")

    def measured(share: float) -> float:
        return MEASURES[measure](compress(network, with_share(recipe, share), data))

    low, high = 0.0, 0.995
    if measured(high) > limit:
        raise RecipeError("No share gets there; use fewer bits, or allow more.")
    if measured(low) <= limit:
        return low
    for _ in range(TRIES):
        middle = (low + high) / 2
        low, high = (low, middle) if measured(middle) <= limit else (middle, high)
    return high


def with_share(recipe: Recipe, share: float) -> Recipe:
    """Return the recipe with *share* in every step that prunes by share."""
    return replace(
        recipe,
        steps=tuple(
            replace(step, sparsity=share)
            if isinstance(step, Prune) and step.sparsity is not None
            else step
            for step in recipe.steps
        ),
    )
