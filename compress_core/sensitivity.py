"""
Measure a sensitivity map: how much the answers suffer when one layer alone is treated.

On validation samples, never on test ones: layer by layer and setting by setting; then on random
recipes that treat all layers together, from which the estimate learns how harm adds up, until it
foresees those that it has not seen (`enough`). The maps of built-in networks are made once, into
`assets/<scenario>/seed-N.sensitivity.json`, by
`python -m compress_core.sensitivity fashion-mnist/lenet-5 --seed 0`.
"""

import argparse
import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.data_sets.data_set import ASSETS
from compress_core.draw import draw_recipes
from compress_core.enough import enough
from compress_core.events import Progress
from compress_core.network import Network
from compress_core.quantize import activation_sites, fold_batch_norms
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import list_scenarios, load_scenario
from compress_core.sensitivity_map import (
    ALL,
    COARSE,
    SETTINGS,
    Cell,
    Combination,
    Harm,
    Key,
    SensitivityMap,
    Setting,
)
from compress_core.treatment import foreseen

EXACT_BITS = 16
"""Activations of so many bits are as good as untouched."""
BATCH_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of a map is measured."""

    samples: int
    """Validation samples, where there are as many."""
    combinations: int
    """Random recipes that the estimate is calibrated on, at least."""
    most: int
    """As many where these are not `enough`."""
    settings: Mapping[Setting, tuple[float, ...]]


WHOLE = Extent(samples=2_000, combinations=150, most=1_000, settings=SETTINGS)
QUICK = Extent(samples=16, combinations=12, most=12, settings=COARSE)
"""For networks that would take a day otherwise."""
ROUND = 50
"""Recipes between two looks at whether a map has enough of them."""
LARGE = 200_000_000
"""Multiplications for one sample from which on a map is a coarse one."""


def extent(network: Network) -> Extent:
    """Return how much of a map of *network* can be measured within an hour."""
    return QUICK if network.macs > LARGE else WHOLE


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares answers with those of the original, on the same samples."""

    network: Network
    data: Data
    part: Part

    @cached_property
    def original(self) -> Tensor:
        """The original's answers: samples x classes, log-probabilities."""
        return _answers(self.network.module, self.part)

    def harm(self, model: Network | Compressed) -> Harm:
        """Run *model* on every sample; see `Harm`."""
        answers = _answers(model.module, self.part)
        return Harm(
            accuracy=float((answers.argmax(1) == self.part.y).double().mean()),
            loss=float(F.nll_loss(answers, self.part.y)),
            divergence=float(
                F.kl_div(answers, self.original, reduction="batchmean", log_target=True)
            ),
        )


def measure_sensitivity(
    network: Network,
    data: Data,
    much: Extent | None = None,
    so_far: SensitivityMap | None = None,
) -> Iterator[Progress[SensitivityMap]]:
    """
    Treat every layer alone, then all with random recipes; yield the growing map.

    All on the first samples of the validation part, as many as *much* says or else `extent`. What
    *so_far* holds is not measured again, so any map that was yielded can be gone on with; to
    cancel, close the iterator.
    """
    much = much or extent(network)
    judge = Judge(network, data, data.validation.head(much.samples))
    known = so_far or SensitivityMap(original=judge.harm(network), n=len(judge.part))
    cells = [key for key in cell_keys(network, much.settings) if key not in known.by_key]
    whole = len(known.cells) + len(cells)

    def progress() -> Progress[SensitivityMap]:
        done = len(known.cells) + len(known.combinations)
        return Progress(step=done, steps=whole + wanted(known, much), result=known)

    yield progress()
    for key in cells:
        known = replace(known, cells=(*known.cells, _cell(judge, key)))
        yield progress()
    recipes = draw_recipes(network, much.most, seed=0)
    while len(known.combinations) < wanted(known, much):
        recipe = recipes[len(known.combinations)]
        known = replace(known, combinations=(*known.combinations, combination(judge, recipe)))
        yield progress()


def wanted(known: SensitivityMap, much: Extent) -> int:
    """Return how many combinations a map shall have, as far as can be told by now."""
    done = len(known.combinations)
    if done < much.combinations:
        return much.combinations
    rounds, begun = divmod(done - much.combinations, ROUND)
    if done >= much.most or (not begun and enough(known)):
        return done
    return min(much.most, much.combinations + (rounds + 1) * ROUND)


def combination(judge: Judge, recipe: Recipe) -> Combination:
    """Measure one recipe for all layers."""
    return Combination(
        recipe=recipe,
        treatments=foreseen(judge.network, recipe),
        harm=judge.harm(compress(judge.network, recipe, judge.data)),
    )


def cell_keys(
    network: Network, settings: Mapping[Setting, tuple[float, ...]] = SETTINGS
) -> list[Key]:
    """Return what is tried on *network*: pruning, then rounding of weights, then of activations."""
    owners = {site.layer for site in activation_sites(fold_batch_norms(network).module)}
    keys: list[Key] = []
    for setting, amounts in settings.items():
        layers: list[str | None] = [layer.name for layer in network.layers]
        layers += [None] if setting == "activation_bits" and None in owners else []
        keys += [(layer, setting, amount) for layer in (*layers, ALL) for amount in amounts]
    return keys


def recipe_for(key: Key, names: list[str]) -> Recipe:
    """Return the recipe that treats one layer alone; *names* are those of all layers."""
    layer, setting, amount = key
    pattern = ALL if layer in (ALL, None) else glob.escape(layer or "")
    if setting == "sparsity":
        return Recipe(steps=(Prune(sparsity=amount, layers=pattern),))
    bits = int(amount)
    if setting == "weight_bits":
        return Recipe(steps=(Quantize(weight_bits=bits, layers=pattern),))
    others = (
        Quantize(weight_bits=None, activation_bits=EXACT_BITS, layers=glob.escape(name))
        for name in names
        if layer is None
    )
    step = Quantize(weight_bits=None, activation_bits=bits, layers=pattern)
    return Recipe(steps=(step, *others))


def map_path(scenario: str, seed: int) -> Path:
    """Return where the map of a built-in network is shipped."""
    return ASSETS / scenario / f"seed-{seed}.sensitivity.json"


def load_map(scenario: str, seed: int) -> SensitivityMap | None:
    """Return the shipped map of a built-in network, or None where there is none."""
    path = map_path(scenario, seed)
    return SensitivityMap.from_json(path.read_text()) if path.is_file() else None


def _cell(judge: Judge, key: Key) -> Cell:
    layer, setting, amount = key
    recipe = recipe_for(key, [layer.name for layer in judge.network.layers])
    treated = {treatment.layer: treatment for treatment in foreseen(judge.network, recipe)}
    return Cell(
        layer=layer,
        setting=setting,
        amount=amount,
        rounding=0.0 if layer == ALL else treated[layer].rounding,
        harm=judge.harm(compress(judge.network, recipe, judge.data)),
    )


def _answers(module: nn.Module, part: Part) -> Tensor:
    with torch.inference_mode():
        logits = [module(x) for x, _ in part.batches(BATCH_SIZE)]
    return F.log_softmax(torch.cat(logits).double(), dim=1)


def main() -> None:
    """Measure the map of one built-in network and write it; begun maps are gone on with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=list_scenarios())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--combinations", type=int)
    arguments = parser.parse_args()
    scenario = load_scenario(arguments.scenario, arguments.seed)
    path = map_path(arguments.scenario, arguments.seed)
    so_far = load_map(arguments.scenario, arguments.seed)
    much = extent(scenario.network)
    much = replace(
        much,
        samples=arguments.samples or much.samples,
        combinations=arguments.combinations or much.combinations,
        most=arguments.combinations or much.most,
    )
    for event in measure_sensitivity(scenario.network, scenario.data, much, so_far):
        if event.step % 10 == 0 or event.step == event.steps:
            path.write_text(event.result.shortened().to_json())
            print(f"{event.step} of {event.steps}", flush=True)


if __name__ == "__main__":
    main()
