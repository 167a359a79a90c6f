"""
What is computed once and shared: every cache of the app, so that its policy is seen on one screen.

Keys are names, seeds, a recipe's digest and sample counts; never weights. Networks come out as the
object that all sessions share: read them, never write into them.
"""

import gc
from typing import TYPE_CHECKING

import streamlit as st

from compress_core import catalogue
from compress_core.recipe import Quantize, Recipe
from compress_core.samples import Sample
from compress_core.samples import samples as read_samples
from pages.shared.choice import WEIGHT_BITS

if TYPE_CHECKING:  # torch is imported when a page needs a network, not when it lists them
    from torch import Tensor

    from compress_core.aside import Packing
    from compress_core.compress import Pruned
    from compress_core.compressed import Compressed
    from compress_core.drag import Allocation, DragTable, Rule
    from compress_core.evaluate import Answers
    from compress_core.histogram import WeightHistogram
    from compress_core.refine import Ledger
    from compress_core.scenarios import Scenario
    from compress_core.sizes import Sizes
    from compress_core.sketch import Sketch
    from compress_core.worth import Worth

QUICK = 1_000
"""Validation samples that a page measures on when it cannot wait for all."""


@st.cache_resource(max_entries=6, show_spinner=False)
def scenario(name: str, seed: int) -> "Scenario":
    """Return network and data of a scenario; shared by all sessions, read only."""
    from compress_core.scenarios import load_scenario

    _settle()
    return load_scenario(name, seed)


def compressed(name: str, seed: int, recipe: Recipe) -> "Compressed":
    """Return a scenario's network after *recipe*; read only. Raises RecipeError."""
    return _kept(name, seed, recipe)[0]


@st.cache_resource(show_spinner=False)
def ledger() -> "Ledger":
    """Return what was measured of the last networks, sample by sample."""
    from compress_core.refine import Ledger

    return Ledger(256)


def entry_of(name: str, seed: int, recipe: Recipe) -> tuple[str, int, str]:
    """Return the key of a network in the ledger."""
    return name, seed, recipe.digest()


def worth(name: str, seed: int, recipe: Recipe, samples: int | None = QUICK) -> "Worth":
    """Measure *recipe* on the first validation samples (all of them for None)."""
    from compress_core.evaluate import answer
    from compress_core.memory import reusing

    part = scenario(name, seed).data.validation
    if part.against == "nothing":
        return judged(name, seed, recipe, None)
    key, asked = entry_of(name, seed, recipe), part if samples is None else part.head(samples)
    network, known = compressed(name, seed, recipe), ledger().get(key)
    answers = reusing(lambda: answer(network, asked, known))
    ledger().put(key, answers)
    return judged(name, seed, recipe, answers)


def judged(name: str, seed: int, recipe: Recipe, answers: "Answers | None") -> "Worth":
    """Return what *recipe* is worth by its answers; without any, accuracy is UNMEASURED."""
    from compress_core.evaluate import judge, unmeasured
    from compress_core.worth import worth_of

    part, network = scenario(name, seed).data.validation, compressed(name, seed, recipe)
    found = unmeasured(part)
    if answers is not None and len(answers):
        found = judge(answers, part, len(network.network.labels))
    return worth_of(network, found, sizes(name, seed, recipe))


def sizes(name: str, seed: int, recipe: Recipe) -> "Sizes":
    """Return bytes, layer by layer."""
    return _sizes(name, seed, recipe.digest(), recipe)


def zipped(name: str, seed: int, recipe: Recipe) -> int:
    """Return the bytes of an ordinary zip; asked for last, as it takes a while for large ones."""
    return _zipped(name, seed, recipe.digest(), recipe)


def histogram(name: str, seed: int, recipe: Recipe, layer: str | None) -> "WeightHistogram":
    """Return the binned weights of one layer, or of all of them for None."""
    return _histogram(name, seed, recipe.digest(), layer, recipe)


def sketch(name: str, seed: int) -> "Sketch":
    """Return the sketch of a scenario's weights; networks with the same weights share one."""
    from compress_core.sketch_network import weights_digest

    return _sketch(weights_digest(scenario(name, seed).network), name, seed)


@st.cache_data(max_entries=64, show_spinner=False)
def drag_table(
    name: str, seed: int, layer: str | None, rule: "Rule", how: Quantize, allocation: "Allocation"
) -> "DragTable":
    """Return what the browser needs to drag a handle on the weights of a layer (None: of all)."""
    from compress_core.drag import drag_table as tabulate

    return tabulate(sketch(name, seed), layer, rule, WEIGHT_BITS, how, allocation)


@st.cache_resource(max_entries=6, show_spinner=False)
def _sketch(digest: str, _name: str, _seed: int) -> "Sketch":
    from compress_core.sketch_network import sketch_network

    return sketch_network(scenario(_name, _seed).network)


@st.cache_data(max_entries=64, show_spinner=False)
def entry(name: str, seed: int) -> catalogue.Entry:
    """Describe a trained network from its files alone."""
    return catalogue.entry(name, seed)


@st.cache_data(max_entries=16, show_spinner=False)
def samples(data_set: str, start: int) -> list[Sample]:
    """Return three samples as somebody can look at them."""
    return read_samples(data_set, start)


@st.cache_data(max_entries=64, show_spinner=False)
def played(name: str, seed: int) -> catalogue.Played | None:
    """Return what a network reaches in whole games, where it plays one."""
    return catalogue.played(name, seed)


@st.cache_data(max_entries=64, show_spinner=False)
def baseline(data_set: str) -> catalogue.Baseline | None:
    """Return what something far simpler reaches on a data set, where that was measured."""
    return catalogue.baseline(data_set)


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    """
    Leave a core to the browser, which is on this machine as a rule; keep memory that will be wanted
    again; and leave what is loaded to itself. Once.

    After every run of a page or a part of it, Streamlit lets the garbage collector look through all
    objects there are. Those of the libraries are hundreds of thousands and never garbage, and
    while it looks, nothing else is done.
    """
    import altair  # noqa: F401 - pages need it a moment later
    import pandas  # noqa: F401

    from compress_core.aside import start
    from compress_core.cores import leave_one
    from compress_core.memory import keep

    start()
    leave_one()
    keep()
    gc.collect()
    gc.freeze()


def _kept(name: str, seed: int, recipe: Recipe) -> tuple["Compressed", "Packing"]:
    if recipe == Recipe():
        return _untouched(name, seed)
    return _compressed(name, seed, recipe.digest(), recipe)


@st.cache_resource(max_entries=6, show_spinner=False)
def _untouched(name: str, seed: int) -> tuple["Compressed", "Packing"]:
    """Every page compares with it; it holds the scenario's own weights."""
    return _worn_and_packed(name, seed, Recipe())


@st.cache_resource(max_entries=4, show_spinner=False)
def _compressed(
    name: str, seed: int, digest: str, _recipe: Recipe
) -> tuple["Compressed", "Packing"]:
    return _worn_and_packed(name, seed, _recipe)


def _worn_and_packed(name: str, seed: int, recipe: Recipe) -> tuple["Compressed", "Packing"]:
    """Return a network, and its file, which is packed aside as soon as weights are known."""
    from compress_core.aside import Packing
    from compress_core.compress import preparation
    from compress_core.memory import reusing

    base, key = scenario(name, seed), preparation(recipe)
    with Packing() as packing:
        pruned = _pruned(name, seed, key, recipe)
        reusing(lambda: _hand_over_early(pruned, recipe, packing))
        prepared = _prepared(name, seed, key, recipe)
        return reusing(lambda: _worn(base, recipe, prepared, packing)), packing


def _hand_over_early(pruned: "Pruned", recipe: Recipe, packing: "Packing") -> None:
    from compress_core.compress import foreseen
    from compress_core.packed import weight_arrays

    early = foreseen(pruned, recipe)
    for layer in early.weight_grids:
        packing.add(weight_arrays(early, layer))


def _worn(
    base: "Scenario", recipe: Recipe, prepared: "Compressed", packing: "Packing"
) -> "Compressed":
    """Return a network and hand over what it stores, its weights first."""
    from compress_core.compress import compress_activations, compress_weights
    from compress_core.packed import stored_arrays

    weights = compress_weights(base.network, recipe, base.data, prepared)
    packing.add(stored_arrays(weights))
    result = compress_activations(weights, base.data)
    packing.complete(stored_arrays(result))
    return result


@st.cache_resource(max_entries=1, show_spinner=False)
def _pruned(name: str, seed: int, preparation: str, _recipe: Recipe) -> "Pruned":
    from compress_core.compress import prune
    from compress_core.memory import reusing

    base = scenario(name, seed)
    return reusing(lambda: prune(base.network, _recipe, base.data))


@st.cache_resource(max_entries=4, show_spinner=False)
def _prepared(name: str, seed: int, preparation: str, _recipe: Recipe) -> "Compressed":
    from compress_core.compress import prepare
    from compress_core.memory import reusing

    base, pruned = scenario(name, seed), _pruned(name, seed, preparation, _recipe)
    return reusing(lambda: prepare(base.network, _recipe, base.data, pruned))


@st.cache_data(max_entries=256, show_spinner=False)
def _sizes(name: str, seed: int, digest: str, _recipe: Recipe) -> "Sizes":
    from compress_core.sizes import sizes as weigh

    after, packing = _kept(name, seed, _recipe)
    return weigh(after, packing.result)


@st.cache_data(max_entries=256, show_spinner=False)
def _zipped(name: str, seed: int, digest: str, _recipe: Recipe) -> int:
    from compress_core.packed import stored_arrays
    from compress_core.sizes import zipped_bytes

    return zipped_bytes(stored_arrays(compressed(name, seed, _recipe)))


@st.cache_data(max_entries=256, show_spinner=False)
def _histogram(
    name: str, seed: int, digest: str, layer: str | None, _recipe: Recipe
) -> "WeightHistogram":
    from compress_core.histogram import weight_histogram

    after = compressed(name, seed, _recipe)
    layers = after.layer_names if layer is None else [layer]
    return weight_histogram(
        [_before(after, each) for each in layers],
        [after.float_weight(each) for each in layers],
        [after.masks.get(each) for each in layers],
    )


def _before(after: "Compressed", layer: str) -> "Tensor":
    """Return what a layer weighed; the parts of a low-rank row begin with themselves."""
    from compress_core.network import layer_weight

    if any(layer == known.name for known in after.original.layers):
        return layer_weight(after.original.module, layer)
    return after.float_weight(layer)
