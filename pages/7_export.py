"""Take it with me: files for every device, each run before it is offered."""

from typing import TYPE_CHECKING

import streamlit as st

from compress_core.recipe import RecipeError
from pages.shared import export_cards, export_proof, export_sizes, export_state, frame, recipes, tag
from pages.shared.choice import recipe_of
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.worth import Worth


def live(was: "Worth", now: "Worth") -> None:
    """Show what may still be measured on more samples."""
    tag.figures(figures, was, now)
    compared.markdown(export_sizes.control(choice.scenario, now) or " ")


choice = frame.begin(frame.EXPORT, _("Export"))
top = st.container()
try:
    with st.spinner(_("Fetching the network …")):
        recipe = recipe_of(choice)
        left, right = st.columns([11, 7], gap="large")
        with left:
            export_cards.promise(recipe)
            hanger = export_state.choose(choice.scenario, choice.seed, recipe)
        hanger.worth()
        hanger.network()
except RecipeError as error:
    st.error(recipes.refusal(choice.scenario, error))
    if st.button(_("Change the recipe"), key="export.explore", icon=":material/tune:"):
        st.switch_page(frame.EXPLORE)
    st.stop()
except ValueError as error:
    st.error(tell(str(error)))
    if st.button(_("Win it back once more"), key="export.recover", icon=":material/healing:"):
        st.switch_page(frame.RECOVER)
    st.stop()

made = export_cards.shown(hanger)
with top:
    figures, place = tag.places(tag.hang(choice.scenario, choice.seed))
    wanted = export_cards.first_step(place, hanger, made)
compared = left.empty()
hanger.follow(live)
with right:
    export_sizes.sizes(hanger)
if made is not None:
    export_proof.certificate(hanger, made)
st.subheader(_("Where is it going?"), anchor=False)
export_cards.grid(hanger, wanted)
