"""Say how large the result may be; the share follows."""

from math import ceil

import streamlit as st

from compress_core.recipe import Prune, RecipeError
from pages.shared import cached, state, words
from pages.shared.choice import MOST_SHARE, Choice
from pages.shared.retell import tell
from pages.shared.words import N_, _

_MEASURE, _LIMIT, _PROBLEM = "explore.fit.measure", "explore.fit.limit", "explore.fit.problem"
MEASURES = {"packed_bytes": N_("File"), "macs": N_("Work")}


def popover(choice: Choice) -> None:
    """Draw the way from a wanted size or amount of work to the share that has to go."""
    with st.popover(
        _("Fit a size"),
        icon=":material/straighten:",
        width="stretch",
        disabled=bool(choice.recipe) or choice.granularity == "n:m",
        help=_("Say how large the file, or how much the work, may be; the share follows."),
    ):
        measure = st.segmented_control(
            _("What has to fit"),
            list(MEASURES),
            default="packed_bytes",
            format_func=lambda name: _(MEASURES[name]),
            required=True,
            key=_MEASURE,
            help=_("The packed file, or the multiplications for one answer."),
        )
        percent = st.slider(
            _("At most, of the original"),
            1,
            100,
            10,
            format="%d %%",
            key=_LIMIT,
            help=_("Of the original's file, or of its multiplications."),
        )
        network = cached.scenario(choice.scenario, choice.seed).network
        whole = network.macs if measure == "macs" else 4 * network.parameters
        limit = percent / 100 * whole
        shown = words.amount(limit) if measure == "macs" else words.size(limit)
        st.caption(_("At most {limit}.").format(limit=shown))
        st.button(
            _("Find the share"),
            key="explore.fit.find",
            on_click=_find,
            args=(choice, measure, limit),
            type="secondary",
        )
        if problem := st.session_state.pop(_PROBLEM, None):
            st.error(problem)


def _find(choice: Choice, measure: str, limit: float) -> None:
    """Move the share to where the limit holds, or say why there is no such share."""
    from compress_core.budget import share_for

    scenario = cached.scenario(choice.scenario, choice.seed)
    recipe = state.recipe()
    if not any(isinstance(step, Prune) and step.sparsity is not None for step in recipe.steps):
        state.put(share=1, prune_by="share")
        recipe = state.recipe()
    try:
        share = share_for(scenario.network, recipe, scenario.data, measure, limit)
    except RecipeError as error:
        st.session_state[_PROBLEM] = tell(str(error))
    else:
        state.put(share=min(MOST_SHARE, ceil(100 * share)), prune_by="share")
