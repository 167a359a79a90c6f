"""What if? Move a slider and see what the network loses and saves."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.exporters.onnx_size import expected_bytes
from compress_core.recipe import RecipeError
from pages.shared import (
    attempts,
    cached,
    controls,
    export_sizes,
    fitting,
    foresight,
    frame,
    layers,
    maps,
    meter,
    pictures,
    recipes,
    sensitivity,
    speed,
    tag,
    target_speed,
    techniques,
)
from pages.shared.choice import recipe_of
from pages.shared.words import _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def live(reading: meter.Reading) -> None:
    """Show what changes while it is being measured; all of it from one reading."""
    tag.figures(figures, reading.was, reading.now)
    frame.paint()
    with facts.container():
        meter.before_after(name, reading)
        if text := foresight.line(name, seed, compressed, reading):
            st.caption(text)
    if reading.over and reading.now.accuracy.n:
        attempts.note(name, seed, compressed.recipe, reading.was, reading.now)
    text = export_sizes.control(name, reading.now) if reading.now.accuracy.n else ""
    control.caption(text or " ")  # always written: Streamlit keeps a place only for what was


def sliders() -> "DeltaGenerator":
    """Draw what one chooses with; returns the place for the sentence beneath the first slider."""
    with left:
        recipes.worn(choice)
        controls.presets(choice)
        controls.history()
        sentence = controls.pruning(choice)
        controls.rounding(choice)
        fitting.popover(choice)
        techniques.more(choice)
    return sentence


choice = frame.begin(frame.EXPLORE, _("Explore"))
name, seed = choice.scenario, choice.seed
tag_place = st.container()
left, right = st.columns([5, 13], gap="large")
# What is on the screen already can wait until the figures are new.
moved = meter.knows(name, seed)
sentence = None if moved else sliders()

with right:
    try:
        # A spinner takes a good part of a core; who has moved a slider need not be told.
        with nullcontext() if moved else st.spinner(_("Trying it on …")):
            recipe = recipe_of(choice)
            # What stays is drawn while numbers are waited for, so that these alone come after.
            with tag_place:
                hung = tag.hang(name, seed)
            weights = st.container()
            st.space("small")
            bars, numbers = st.columns(2, gap="large")
            compressed = cached.compressed(name, seed, recipe)
            meter.begin(name, seed, recipe)
            sizes = cached.sizes(name, seed, recipe)
    except RecipeError as error:
        st.error(recipes.refusal(name, error))
        if sentence is None:
            sliders()
        st.stop()

figures, button = tag.places(hung)
with bars:
    bars, control = st.container(), st.empty()
facts = numbers.empty()
meter.follow(live, name, seed, recipe)
if sentence is None:
    sentence = sliders()
tag.next_step(button, _("Win it back"), frame.RECOVER)

with weights:
    layer = pictures.layer_choice(name, sizes)
    cut = pictures.weights(choice, compressed, sizes, layer)

with sentence:
    st.caption(pictures.other_view(choice, sizes, layer, cut))

with bars:
    pictures.sizes(sizes, cached.zipped(name, seed, recipe), expected_bytes(compressed))

with numbers:
    speed.line(choice, compressed)
    target_speed.table(choice, compressed)

st.subheader(_("Layer by layer"), anchor=False)
layers.table(choice, sizes, maps.losses_alone(name, seed, compressed))
sensitivity.panel(choice)

with left, st.expander(_("Recipe"), key="explore.recipe"):
    recipes.exchange(choice, recipe)
