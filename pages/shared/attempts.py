"""Write down what the fitting room and Export measured, where it brings a mission further."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core.recipe import Recipe
from pages.shared import jobs
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.proof import Proof
    from compress_core.worth import Worth
    from pages.shared.export_state import Hanger

_NOTED = "attempts.noted"


def note(
    scenario: str, seed: int, recipe: Recipe, was: "Worth", now: "Worth", **more: float
) -> None:
    """Keep what was measured on all validation samples, if a mission has seen nothing as good."""
    from compress_core import missions

    asking = [mission for mission in missions.MISSIONS if mission.scenario == scenario]
    noted: set[Any] = st.session_state.setdefault(_NOTED, set())
    known = scenario, seed, recipe.digest(), now.packed_bytes, *more.items()
    if not asking or not recipe.steps or known in noted:
        return
    noted.add(known)
    outcome: dict[str, Any] = {
        "original": {"validation": was.to_dict()}, "final": {"validation": now.to_dict()}, **more
    }  # fmt: skip
    runs = jobs.store().list(task=None)
    numbers = missions.measured(scenario, outcome)
    for mission in asking:
        before = missions.check(mission, missions.attempts_at(mission, runs))
        if not missions.further(mission, before, numbers):
            continue
        jobs.store().note(scenario, seed, recipe, outcome)
        if missions.done(mission, numbers):
            st.toast(_("A mission is accomplished: see Learn."), icon=":material/flag:")
        return


def note_speed(hanger: "Hanger", proof: "Proof") -> None:
    """Keep how fast an ONNX file was here, with what its network is worth."""
    from compress_core.missions import MISSIONS

    asking = any(
        mission.scenario == hanger.scenario and limit.measure == "speedup"
        for mission in MISSIONS
        for limit in mission.limits
    )
    if proof.target != "onnx" or proof.run is None or not asking:
        return
    was, now = hanger.whole_worth()
    speedup = proof.run.latency.speedup
    note(hanger.scenario, hanger.seed, hanger.recipe, was, now, speedup=speedup)
