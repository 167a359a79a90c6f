"""Original and compressed network play the same game, side by side."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import sample_browser, words
from pages.shared.words import _, roles

if TYPE_CHECKING:
    from compress_core.closed_loop import Film
    from compress_core.games.game import Game
    from pages.shared.export_state import Hanger

MOST_GAMES = 100
"""That can be chosen from; nothing was recorded in them."""


def section(hanger: "Hanger") -> None:
    """Offer to watch a game, where the network plays one."""
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
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number = st.number_input(
            _("Game, of {count}").format(count=MOST_GAMES),
            1,
            MOST_GAMES,
            key="try.game",
            persist_state="session",
            width=210,
            help=_("Each begins in another way. None of them was learned from."),
        )
        asked = st.button(_("Let both play"), key="try.play", icon=":material/play_arrow:")
    key = (hanger.scenario, hanger.seed, hanger.state, int(number or 1))
    if asked:
        st.session_state["try.played"] = key
    if st.session_state.get("try.played") != key:
        return
    with st.spinner(_("Both play …")):
        film = _played(*key, hanger)
    _show(film, hanger.network().network.labels)


def _game(scenario: str) -> "Game | None":
    from compress_core.games.table import GAMES

    return GAMES.get(scenario.split("/")[0])


@st.cache_data(max_entries=4, show_spinner=False)
def _played(name: str, seed: int, state: str, number: int, _hanger: "Hanger") -> "Film":
    from compress_core.closed_loop import play, policy_of
    from compress_core.games.episode import judging_seeds

    game, network = _game(name), _hanger.network()
    assert game is not None
    policies = [policy_of(network.original), policy_of(network)]
    return play(policies, game, judging_seeds("validation", MOST_GAMES)[number - 1])


def _show(film: "Film", labels: tuple[str, ...]) -> None:
    from compress_core.film import moving

    st.markdown(parting(film, labels))
    length = max(map(len, film.frames))
    mark = None if film.part_step is None else film.part_step // film.every
    columns = st.columns(2, gap="medium")
    for column, colour, role, frames, reached in zip(
        columns,
        ("blue", "orange"),
        (roles().original, roles().compressed),
        film.frames,
        film.returns,
        strict=True,
    ):
        with column:
            text = _("{role}: {points} points").format(role=role, points=words.three(reached))
            st.markdown(f":{colour}[**{text}**]")
            st.image(moving(frames, length, mark), width="stretch", alt=text)
    st.caption(
        _(
            "Measured in a simulation, the same for both. A notch in the line below marks where "
            "they part. One step of {every} is shown, three times over."
        ).format(every=film.every)
    )


def parting(film: "Film", labels: tuple[str, ...]) -> str:
    """Say when both begin to do different things, and which."""
    step = film.part_step
    if step is None:
        return _("Both do the same to the end.")
    first, second = (sample_browser.label(labels, of[step]) for of in film.actions)
    return _(
        "They part at step {step} of {steps}: the original does “{first}”, the compressed one "
        "“{second}”."
    ).format(step=f"{step + 1:,}", steps=f"{len(film.actions[0]):,}", first=first, second=second)
