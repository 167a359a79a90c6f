"""Take a recipe along as a file, or put one on."""

import streamlit as st

from compress_core.recipe import Recipe, RecipeError
from compress_core.recipe_json import LONGEST_JSON
from pages.shared import cached, state
from pages.shared.choice import Choice
from pages.shared.retell import tell
from pages.shared.words import _, network

_UPLOAD, _PROBLEM = "explore.recipe.file", "explore.recipe.problem"


def exchange(choice: Choice, recipe: Recipe) -> None:
    """Draw download and upload."""
    st.download_button(
        _("Save this recipe"),
        recipe.to_json(),
        file_name=f"{choice.scenario.split('/')[1]}-{recipe.digest()[:6]}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
        key="explore.recipe.save",
        help=_("A small text file with every decision, to repeat or share this setting."),
    )
    st.file_uploader(
        _("Put a recipe on"),
        "json",
        key=_UPLOAD,
        on_change=_read,
        max_upload_size=1,
        help=_(
            "Every step of the file is carried out as it stands; a faulty file changes nothing."
        ),
    )
    if problem := st.session_state.get(_PROBLEM):
        st.error(_("Nothing was changed. {problem}").format(problem=problem))


def worn(choice: Choice) -> None:
    """Say that an imported recipe decides, and how to get rid of it."""
    if choice.recipe:
        with st.container(border=True):
            st.markdown(
                _("**An imported recipe decides.** The controls rest until you take it off.")
            )
            st.button(
                _("Take it off"), key="explore.recipe.off", on_click=state.take_off, width="stretch"
            )


def check(text: str, scenario: str, seed: int) -> Recipe:
    """Return the recipe in *text* if this network can wear it; raises RecipeError."""
    recipe = Recipe.from_json(text)
    cached.compressed(scenario, seed, recipe)
    return recipe


def refusal(scenario: str, error: RecipeError) -> str:
    """Return why a network cannot wear a recipe."""
    return _("{network} cannot wear this. {error}").format(
        network=network(scenario), error=tell(str(error))
    )


def _read() -> None:
    file = st.session_state.get(_UPLOAD)
    st.session_state[_PROBLEM] = None
    if file is None:
        return
    chosen = state.choice()
    try:
        raw = file.getvalue()
        if len(raw) > 4 * LONGEST_JSON:
            raise RecipeError(_("This file is far too long for a recipe."))
        state.wear(check(raw.decode(), chosen.scenario, chosen.seed))
    except UnicodeDecodeError:
        st.session_state[_PROBLEM] = _("This file is not text; choose a recipe saved by this app.")
    except RecipeError as error:
        st.session_state[_PROBLEM] = refusal(chosen.scenario, error)
