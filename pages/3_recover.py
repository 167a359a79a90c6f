"""Can it be won back? Train the compressed network on, and watch it recover."""

import streamlit as st

from compress_core.recipe import Recipe, RecipeError
from pages.shared import frame, jobs, own, recipes, recover, run_panel, run_result, tag, tuning
from pages.shared.choice import recipe_of
from pages.shared.words import _

POLL = 1.0
"""Seconds between two looks at a run."""


def nothing_to_win() -> None:
    st.title(_("Nothing is compressed yet"), anchor=False)
    st.markdown(
        _("Every weight is as it was trained, so there is no loss to win back. Take some away.")
    )
    if st.button(_("Go to Explore"), type="primary", key="recover.explore"):
        st.switch_page(frame.EXPLORE)


def nothing_to_learn_from() -> None:
    st.title(_("There are no samples to learn from"), anchor=False)
    st.markdown(
        _(
            "This network was brought without data, so it cannot be trained on. Bring its file "
            "again, with samples of the kind it was made for; or take it along as it is."
        )
    )
    if st.button(_("Bring samples"), type="primary", key="recover.choose"):
        st.switch_page(frame.CHOOSE)


def body(name: str, seed: int, recipe: Recipe, run_id: str | None, was_moving: bool) -> None:
    run = jobs.find(run_id)
    active = run is not None and run.state in jobs.ACTIVE
    if recover.moving(name, seed, recipe, run) != was_moving:
        st.rerun()  # so that looking again begins, or ends
    events = jobs.happened(run.id) if run else ()
    top = st.container()
    if run and not active:
        run_result.ended(run, events)
    left, right = st.columns([5, 13], gap="large")
    with right, st.spinner(_("Fetching the network …")):
        was, before, now = recover.standing(name, seed, recipe, run, events)
    with left:
        if run and active:
            run_panel.progress(run, events)
        else:
            st.subheader(_("Can it be won back?"), anchor=False)
            recover.settings(name, seed)
            recover.speed(name, seed, recipe)
            if (
                run
                and run.outcome
                and st.button(_("Train once more"), key="recover.again", width="stretch")
            ):
                recover.start(name, seed, recipe)
            if (
                run
                and run.outcome
                and st.button(_("Compare runs"), key="recover.compare", type="tertiary")
            ):
                st.switch_page(frame.COMPARE)
    with right:
        plan = run.recipe.finetune if run and run.recipe.finetune else recover.plan(name, seed)
        run_panel.chart(run, events, plan, was.accuracy, before.accuracy, was.against)
    with top:
        place = tag.show(name, seed, was, now)
        if run and run.outcome:
            tag.next_step(place, _("Take it with me"), frame.EXPORT)
        elif not active and place.button(
            _("Win it back"), key="recover.start", type="primary", icon=":material/healing:"
        ):
            recover.start(name, seed, recipe)


choice = frame.begin(frame.RECOVER, _("Recover"))
tuning.begin(recover.is_labelled(choice.scenario, choice.seed))
try:
    recipe = recipe_of(choice)
    run = recover.wanted(choice, recipe)
    if run is None and not recipe.steps:
        nothing_to_win()
    elif own.is_blind(choice.scenario):
        nothing_to_learn_from()
    else:
        moving = recover.moving(choice.scenario, choice.seed, recipe, run)
        look = st.fragment(body, run_every=POLL if moving else None)
        look(choice.scenario, choice.seed, recipe, run.id if run else None, moving)
except RecipeError as error:
    st.error(recipes.refusal(choice.scenario, error))
    st.page_link(frame.EXPLORE, label=_("Change the recipe"), icon=":material/tune:")
jobs.engine()  # last, so that its worker wakes up while one is still choosing
