"""Let the compressed network play whole games, as a run in the background."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import jobs, run_words, state, waiting, words
from pages.shared.choice import recipe_of
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compress_core.missions import Mission
    from compress_core.runs import Run


def play(mission: "Mission", runs: "Sequence[Run]") -> None:
    """Offer to let what is on in the fitting room play, or say how far it is."""
    from compress_core.games.table import GAMES

    game = GAMES[mission.scenario.split("/")[0]]
    if game.missing:
        st.info(
            _("Playing needs {packages}; install what is in requirements-games.txt.").format(
                packages=", ".join(game.missing)
            )
        )
        return
    played = [r for r in runs if r.task == "returns" and r.scenario == mission.scenario]
    if played and played[0].state in jobs.ACTIVE:
        waiting.follow(played[0], _how_far)
        return
    if played and played[0].reason:
        st.error(tell(played[0].reason))
    choice = state.choice()
    recipe = recipe_of(choice)
    ready = choice.scenario == mission.scenario and bool(recipe.steps)
    if st.button(
        _("Let it play {count} games").format(count=game.judged),
        key="learn.play",
        icon=":material/sports_esports:",
        disabled=not ready,
        help=_("The setting in the fitting room: {recipe}. In the background.").format(
            recipe=run_words.recipe(recipe)
        )
        if ready
        else _("Put {network} on and compress it first.").format(
            network=words.network(mission.scenario)
        ),
    ):
        jobs.engine().start(choice.scenario, choice.seed, recipe, "returns")
        st.rerun()


def _how_far(run: "Run") -> str:
    return _("Playing {step} of {steps} games, the original's among them").format(
        step=run.step, steps=run.steps or "…"
    )
