"""Try it: the original and the compressed network answer to what you draw, show, say or write."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.recipe import RecipeError
from pages.shared import (
    answers,
    cached,
    export_state,
    frame,
    game_film,
    given,
    recipes,
    sample_browser,
    tag,
    words,
)
from pages.shared.choice import recipe_of
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from torch import Tensor

    from compress_core.latency import Latency
    from compress_core.scenarios import Scenario
    from compress_core.try_out import Differences

TIMES = "try.times"


def as_read(base: "Scenario", x: "Tensor") -> "Tensor":
    """Return one stored sample as the network reads it: 1 x (sample shape)."""
    part = base.data.validation
    return replace(part, x=x[None], y=part.y.new_zeros(1)).inputs()


@st.cache_data(max_entries=64, show_spinner=False)
def differences(state: str, name: str, seed: int, _hanger: export_state.Hanger) -> "Differences":
    from compress_core.try_out import first_differences

    return first_differences(_hanger.network(), cached.scenario(name, seed).data.validation)


def ask(base: "Scenario", hanger: export_state.Hanger, taken: given.Given) -> None:
    from compress_core.try_out import answers as asked

    try:
        said = asked(hanger.network(), as_read(base, taken.x))
    except ValueError as error:
        st.error(tell(str(error)))
        return
    answers.show(base.data.labels, said, taken.truth)


def timing(base: "Scenario", hanger: export_state.Hanger) -> "Latency | None":
    """Return how long both take, once that was asked for; draw the way to it otherwise."""
    from compress_core.try_out import timed

    times: dict[str, Latency] = st.session_state.setdefault(TIMES, {})
    key = f"{hanger.scenario} {hanger.seed} {hanger.state}"
    if key not in times and st.button(
        _("Time both here"),
        key="try.time",
        type="tertiary",
        icon=":material/timer:",
        help=_("Writes both as ONNX files and runs these; it takes some seconds."),
    ):
        with st.spinner(_("Writing and timing both files …")):
            try:
                part = base.data.validation
                part = part if len(part) else part.stand_in(1)
                times[key] = timed(hanger.network(), part.inputs(0, 1))
            except ValueError as error:
                st.error(tell(str(error)))
            else:
                st.rerun()
    return times.get(key)


choice = frame.begin(frame.TRY, _("Try it"))
top = st.container()
left, right = st.columns([5, 7], gap="large")
try:
    with st.spinner(_("Fetching the network …")):
        with left:
            hanger = export_state.choose(choice.scenario, choice.seed, recipe_of(choice))
        was, now = hanger.worth()
        network = hanger.network()
        base = cached.scenario(choice.scenario, choice.seed)
except ValueError as error:  # a recipe that does not fit is one of them
    if isinstance(error, RecipeError):
        st.error(recipes.refusal(choice.scenario, error))
    else:
        st.error(tell(str(error)))
    if st.button(_("Change the recipe"), key="try.explore", icon=":material/tune:"):
        st.switch_page(frame.EXPLORE)
    st.stop()

with top:
    figures, button = tag.places(tag.hang(base.name, choice.seed))
    tag.next_step(button, _("Adjust it"), frame.EXPLORE)
hanger.follow(lambda *both: tag.figures(figures, *both))
found = differences(hanger.state, base.name, choice.seed, hanger)

with left:
    st.subheader(words.question(base.name), anchor=False)
    taken = given.take(base, tuple(each.sample for each in found.found))
    st.caption(
        _(
            "What you draw, show, say or write is read in memory and kept nowhere; nothing leaves "
            "the machine that this app runs on."
        )
    )

with right:
    if taken is None:
        st.subheader(_("No question yet"), anchor=False)
        st.markdown(_("Both answers appear here, side by side, as soon as there is something."))
    else:
        ask(base, hanger, taken)
    place = st.container()
    times = timing(base, hanger)
    with place:
        answers.costs(was, now, times)
    if taken is not None and taken.turned:
        sample_browser.look(base.name, taken.x, _("What the networks see of it"))

game_film.section(hanger)
answers.differences(base, found)
