"""Put an earlier run back on: its network, its recipe and its fine-tuning, in the controls."""

import glob
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import streamlit as st

from compress_core import catalogue, wardrobe
from compress_core.recipe import Factorize, Finetune, Prune, Quantize, Recipe, Step
from compress_core.runs import Run
from pages.shared import jobs, state, tuning
from pages.shared.choice import FLOAT, Choice, Override, recipe_of

SHOWN = "recover.run"
"""Session key of the run that Recover shows."""


def reopen(run: Run) -> None:
    """Move every control to what *run* was made with; only before they are drawn."""
    state.try_on(run.scenario, run.seed)
    wear(jobs.steps_of(run.recipe))
    tuning.put(run.recipe.finetune or Finetune(), labelled=_is_labelled(run))
    st.session_state[SHOWN] = run.id


def _is_labelled(run: Run) -> bool:
    """Tell whether labels were there to learn from, as far as is still known."""
    if wardrobe.is_own(run.scenario) and run.scenario not in wardrobe.names():
        return False  # the network was removed meanwhile
    return catalogue.entry(run.scenario, run.seed).against == "labels"


def wear(recipe: Recipe) -> None:
    """Move the controls of Explore to *recipe*, or let it decide whole where they cannot say it."""
    if recipe == state.recipe():
        return
    if (values := controls_for(recipe)) is None:
        state.wear(recipe)
    else:
        state.put(**values, recipe="")


def controls_for(recipe: Recipe) -> dict[str, Any] | None:
    """Return the fields of a choice whose recipe is exactly *recipe*, or None if there are none."""
    try:
        values: dict[str, Any] = {"share": 0, "weight_bits": FLOAT, "activation_bits": FLOAT}
        values |= {name: value for step in recipe.steps for name, value in _fields(step)}
        values["overrides"] = tuple(_overrides(recipe))
        chosen = Choice(**values)
    except (TypeError, ValueError):
        return None
    if recipe_of(chosen) != recipe:
        return None
    fields = asdict(chosen)
    for kept in ("scenario", "seed", "recipe"):
        del fields[kept]
    return {**fields, "overrides": chosen.overrides}


def _fields(step: Step) -> Iterator[tuple[str, Any]]:
    if step.layers != "*":
        return
    match step:
        case Factorize():
            kept = step.energy if step.rank is None else step.rank
            yield from (("kept", round(100 * (kept or 0))), ("method", step.method))
            yield "kept_of", "energy" if step.rank is None else "rank"
        case Quantize():
            yield from _rounding(step)
        case Prune():
            yield from _removing(step)


def _rounding(step: Quantize) -> Iterator[tuple[str, Any]]:
    yield "weight_bits", step.weight_bits or FLOAT
    yield "activation_bits", step.activation_bits or FLOAT
    yield "scale", step.granularity
    yield "learned", step.rounding == "learned"
    yield "reconstruction", step.reconstruction
    for same in ("scheme", "grid", "activation_grid", "calibration", "bias_correction", "equalize"):
        yield same, getattr(step, same)


def _removing(step: Prune) -> Iterator[tuple[str, Any]]:
    if step.threshold is not None:
        yield from (("prune_by", "threshold"), ("threshold", step.threshold))
    elif step.sparsity is not None:
        yield from (("prune_by", "share"), ("share", round(100 * step.sparsity)))
    if step.n_of_m is not None:
        yield "n_of_m", step.n_of_m
    yield from (("gradual", step.schedule == "gradual"), ("eights", step.round_to == 8))
    for same in ("granularity", "criterion", "allocation"):
        yield same, getattr(step, same)


def _overrides(recipe: Recipe) -> Iterator[Override]:
    changes: dict[str, dict[str, int]] = {}
    for step in recipe.steps:
        layer = step.layers
        if layer == "*" or glob.escape(layer) != layer:
            continue
        if isinstance(step, Prune) and step.sparsity is not None:
            changes.setdefault(layer, {})["share"] = round(100 * step.sparsity)
        elif isinstance(step, Quantize):
            both = {"bits": step.weight_bits, "activation_bits": step.activation_bits}
            said = {field: bits for field, bits in both.items() if bits is not None}
            changes.setdefault(layer, {}).update(said)
    for layer, change in changes.items():
        yield Override(layer=layer, **change)
