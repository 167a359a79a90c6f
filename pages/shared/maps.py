"""Sensitivity maps and what follows from them, cached: shipped ones, and those a run measured."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import jobs

if TYPE_CHECKING:
    from compress_core.compressed import Compressed
    from compress_core.estimate import Estimator
    from compress_core.measured import Estimate
    from compress_core.runs import Run
    from compress_core.sensitivity_map import SensitivityMap
    from compress_core.treatment import Treatment


def known(name: str, seed: int) -> "SensitivityMap | None":
    """Return the map of a network, None where it was not measured to the end."""
    found = _of(name, seed)
    return None if found is None else found[1].measured


def run_of(name: str, seed: int) -> "Run | None":
    """Return the newest run that measured, or measures, the map of a network."""
    runs = jobs.store().list(task="sensitivity")
    return next((run for run in runs if (run.scenario, run.seed) == (name, seed)), None)


def expected(name: str, seed: int, result: "Compressed") -> "Estimate | None":
    """Return the accuracy to expect, on the map's samples; None where the map says nothing."""
    from compress_core.estimate import covers

    found = _of(name, seed)
    if found is None or not covers(result.recipe):
        return None
    return _expected(name, seed, result.recipe.digest(), found[0], found[1], result)


def losses_alone(name: str, seed: int, result: "Compressed") -> dict[str, float]:
    """Return layer -> the change in accuracy to expect if it alone were treated as in *result*."""
    from compress_core.estimate import covers

    found = _of(name, seed)
    if found is None or not covers(result.recipe):
        return {}
    return {
        treated.layer: -found[1].lost_alone(treated)
        for treated in _treatments(name, seed, result.recipe.digest(), result)
        if treated.layer is not None
    }


@st.cache_data(max_entries=512, show_spinner=False)
def _expected(
    name: str, seed: int, digest: str, of: str, _estimator: "Estimator", _result: "Compressed"
) -> "Estimate":
    return _estimator.estimate(_treatments(name, seed, digest, _result))


@st.cache_data(max_entries=512, show_spinner=False)
def _treatments(
    name: str, seed: int, digest: str, _result: "Compressed"
) -> "tuple[Treatment, ...]":
    from compress_core.treatment import treatments

    return treatments(_result)


def _of(name: str, seed: int) -> "tuple[str, Estimator] | None":
    """Return what a network's map is called, and what estimates by it."""
    shipped = _shipped(name, seed)
    if shipped is not None:
        return "shipped", shipped
    run = run_of(name, seed)
    if run is None or run.state != "finished" or run.checkpoint is None:
        return None
    return run.checkpoint, _measured(run.checkpoint)


@st.cache_resource(max_entries=12, show_spinner=False)
def _shipped(name: str, seed: int) -> "Estimator | None":
    from compress_core.estimate import estimator
    from compress_core.sensitivity import load_map

    found = load_map(name, seed)
    return None if found is None else estimator(found)


@st.cache_resource(max_entries=12, show_spinner=False)
def _measured(checkpoint: str) -> "Estimator":
    from compress_core.estimate import estimator
    from compress_core.sensitivity_map import SensitivityMap

    return estimator(SensitivityMap.from_json(jobs.store().artifacts.get(checkpoint).decode()))
