"""Original and compressed network play the same game, side by side; filmed in the background."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import jobs, sample_browser, words
from pages.shared.retell import tell
from pages.shared.words import _, roles

if TYPE_CHECKING:
    from compress_core.games.game import Game
    from compress_core.runs import Run
    from pages.shared.export_state import Hanger

POLL = 1.0
"""Seconds between two looks at the store while both play."""


def section(hanger: "Hanger") -> None:
    """Let both play and show the film of it, where the network plays a game."""
    game = _game(hanger.scenario)
    if game is None:
        return
    st.subheader(_("Watch both play"), anchor=False)
    if game.missing:
        st.info(
            _("Playing needs {packages}; install what is in requirements-games.txt.").format(
                packages=", ".join(game.missing)
            )
        )
        return
    if hanger.run is not None:
        st.caption(_("It plays as it was compressed, before it was won back."))
    run = _film_of(hanger)
    if run is not None and run.state in jobs.ACTIVE:
        st.fragment(_wait, run_every=POLL)(run.id)
        return
    if run is not None and run.state == "finished" and run.outcome and run.checkpoint:
        _show(run.outcome, run.checkpoint, hanger.network().network.labels)
        return
    if run is not None and run.reason:
        st.error(tell(run.reason))
    if st.button(
        _("Let both play"),
        key="try.play",
        icon=":material/play_arrow:",
        help=_("The same game for both, which neither has learned from; some seconds."),
    ):
        jobs.engine().start(hanger.scenario, hanger.seed, hanger.recipe, "film")
        st.rerun()


def _game(scenario: str) -> "Game | None":
    from compress_core.games.table import GAMES

    return GAMES.get(scenario.split("/")[0])


def _film_of(hanger: "Hanger") -> "Run | None":
    """Return the newest run that filmed, or films, this very network."""
    wanted = (hanger.scenario, hanger.seed, hanger.recipe)
    runs = jobs.store().list(task="film")
    return next((run for run in runs if (run.scenario, run.seed, run.recipe) == wanted), None)


def _wait(run_id: str) -> None:
    run = jobs.find(run_id)
    if run is None or run.state not in jobs.ACTIVE:
        st.rerun()
    st.markdown(_("Both are playing; the film is here when they have finished."))


def _show(outcome: dict[str, Any], film: str, labels: tuple[str, ...]) -> None:
    from compress_core.film import unpack

    st.markdown(parting(outcome, labels))
    try:
        films = unpack(jobs.store().artifacts.get(film))
    except ValueError as error:
        st.error(tell(str(error)))
        return
    columns = st.columns(2, gap="medium")
    for column, colour, role, pictures, reached in zip(
        columns,
        ("blue", "orange"),
        (roles().original, roles().compressed),
        films,
        outcome["returns"],
        strict=True,
    ):
        with column:
            text = _("{role}: {points} points").format(role=role, points=words.three(reached))
            st.markdown(f":{colour}[**{text}**]")
            st.image(pictures, width="stretch", alt=text)
    st.caption(
        _(
            "Measured in a simulation, the same for both. A notch in the line below marks where "
            "they part. One step of {every} is shown, three times over."
        ).format(every=outcome["every"])
    )


def parting(outcome: dict[str, Any], labels: tuple[str, ...]) -> str:
    """Say when both begin to do different things, and which."""
    if outcome["part_step"] is None:
        return _("Both do the same to the end.")
    first, second = (sample_browser.label(labels, action) for action in outcome["part"])
    return _(
        "They part at step {step} of {steps}: the original does “{first}”, the compressed one "
        "“{second}”."
    ).format(
        step=f"{outcome['part_step'] + 1:,}",
        steps=f"{outcome['steps']:,}",
        first=first,
        second=second,
    )
