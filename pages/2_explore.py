"""What if? Move a slider and see what the network loses and saves."""

import streamlit as st

from compress_core.recipe import Recipe, RecipeError
from pages.shared import (
    cached,
    controls,
    export_sizes,
    fitting,
    frame,
    layers,
    maps,
    meter,
    pictures,
    recipes,
    sensitivity,
    tag,
    techniques,
)
from pages.shared.choice import recipe_of
from pages.shared.words import _

choice = frame.begin(frame.EXPLORE, _("Explore"))
name, seed = choice.scenario, choice.seed
tag_place = st.container()
left, right = st.columns([5, 13], gap="large")

with left:
    recipes.worn(choice)
    controls.presets(choice)
    sentence = controls.pruning(choice)
    controls.rounding(choice)
    fitting.popover(choice)
    with st.expander(_("More techniques"), key="explore.more"):
        techniques.more(choice)

with right:
    try:
        with st.spinner(_("Trying it on …")):
            recipe = recipe_of(choice)
            compressed = cached.compressed(name, seed, recipe)
    except RecipeError as error:
        st.error(recipes.refusal(name, error))
        st.stop()

total = cached.validation_samples(name, seed)
samples = meter.samples(total)
was, now = (cached.worth(name, seed, worn, samples) for worn in (Recipe(), recipe))
with tag_place:
    tag.next_step(tag.show(name, seed, was, now), _("Win it back"), frame.RECOVER)

with right:
    sizes = cached.sizes(name, seed, recipe)
    layer = pictures.layer_choice(name, sizes)
    histogram = cached.histogram(name, seed, recipe, layer)
    grid = compressed.weight_grids.get(layer or "")
    pictures.weights(histogram, grid, channels=choice.granularity == "channel")
    st.space("small")
    bars, numbers = st.columns(2, gap="large")

with sentence:
    st.caption(pictures.other_view(choice, sizes, layer, histogram.cut))

with bars:
    pictures.sizes(sizes)
    if control := export_sizes.control(name, now):
        st.caption(control)

with numbers:
    meter.before_after(was, now)
    meter.sample_choice(total)

st.subheader(_("Layer by layer"), anchor=False)
layers.table(choice, sizes, maps.losses_alone(name, seed, compressed))
sensitivity.panel(choice)

with left, st.expander(_("Recipe"), key="explore.recipe"):
    recipes.exchange(choice, recipe)
