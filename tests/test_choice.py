from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_core.choices import PRUNE_CHOICES, QUANTIZE_CHOICES
from compress_core.recipe import (
    Prune,
    Quantize,
    Recipe,
    RecipeError,
)
from pages.shared.address import QUERY, from_query, to_query
from pages.shared.choice import (
    ACTIVATION_BITS,
    PRESETS,
    WEIGHT_BITS,
    Choice,
    Override,
    preset_of,
    recipe_of,
)

OVERRIDES = st.builds(
    Override,
    layer=st.sampled_from(["fc1", "stage1.0.conv1", "conv2_1"]),
    share=st.none() | st.integers(0, 99),
    bits=st.none() | st.integers(2, 16),
    activation_bits=st.none() | st.integers(2, 16),
).filter(lambda o: not o.says_nothing)
CHOICES = st.builds(
    Choice,
    scenario=st.sampled_from(["digits/simple-nn", "fashion-mnist/resnet-20"]),
    seed=st.integers(0, 9),
    prune_by=st.sampled_from(["share", "threshold"]),
    share=st.integers(0, 99),
    threshold=st.integers(0, 250).map(lambda step: round(step * 0.002, 3)),
    weight_bits=st.sampled_from(WEIGHT_BITS),
    activation_bits=st.sampled_from(ACTIVATION_BITS),
    granularity=st.sampled_from(PRUNE_CHOICES["granularity"]),
    n_of_m=st.sampled_from(PRUNE_CHOICES["n_of_m"][1:]),
    criterion=st.sampled_from(PRUNE_CHOICES["criterion"]),
    allocation=st.sampled_from(PRUNE_CHOICES["allocation"]),
    gradual=st.booleans(),
    eights=st.booleans(),
    kept=st.integers(10, 100),
    kept_of=st.sampled_from(["energy", "rank"]),
    method=st.sampled_from(["tucker", "spatial"]),
    scale=st.sampled_from(QUANTIZE_CHOICES["granularity"]),
    scheme=st.sampled_from(QUANTIZE_CHOICES["scheme"]),
    grid=st.sampled_from(QUANTIZE_CHOICES["grid"]),
    activation_grid=st.sampled_from(QUANTIZE_CHOICES["activation_grid"]),
    calibration=st.sampled_from(QUANTIZE_CHOICES["calibration"]),
    learned=st.booleans(),
    reconstruction=st.sampled_from(QUANTIZE_CHOICES["reconstruction"]),
    bias_correction=st.booleans(),
    equalize=st.booleans(),
    overrides=st.lists(OVERRIDES, unique_by=lambda o: o.layer).map(tuple),
    recipe=st.sampled_from(["", Recipe(steps=(Prune(sparsity=0.5),)).to_json()]),
)


@given(CHOICES)
def test_an_address_brings_everything_back(choice: Choice) -> None:
    assert from_query(to_query(choice)) == choice


@given(CHOICES)
def test_every_position_of_the_controls_is_a_recipe(choice: Choice) -> None:
    recipe = recipe_of(choice)
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_an_address_names_the_network_and_what_differs() -> None:
    assert to_query(Choice()) == {"model": "fashion-mnist.lenet-5"}
    assert set(QUERY) == {field.name for field in fields(Choice)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("share", "100"), ("share", "-1"), ("share", "many"), ("below", "nan"), ("below", "7"),
        ("bits", "1"), ("bits", "33"), ("activations", "9"), ("by", "colour"), ("seed", "-1"),
        ("remove", "all"), ("layers", "fc1~200~"), ("layers", "fc1~20"), ("layers", "fc1~~1"),
        ("layers", "fc1~~4.1"), ("layers", "fc1~~4.8.8"), ("layers", "fc1~~.many"),
        ("recipe", "nonsense"), ("recipe", "eNqrVkrOz0nVUaouSVWyUvIODQ4FAEYoBvU"), ("recipe", "é"),
    ],
)  # fmt: skip
def test_nonsense_in_an_address_changes_nothing(name: str, text: str) -> None:
    assert from_query({name: text, "scheme": "affine"}) == Choice(scheme="affine")


def test_a_threshold_or_a_share() -> None:
    choice = Choice(prune_by="threshold", threshold=0.1, weight_bits=4, activation_bits=32)
    assert recipe_of(choice).steps == (Prune(threshold=0.1), Quantize(weight_bits=4))
    by_share = replace(choice, prune_by="share", share=70, allocation="global")
    assert recipe_of(by_share).steps[0] == Prune(sparsity=0.7, allocation="global")


def test_untouched_controls_are_an_empty_recipe() -> None:
    choice = Choice(share=0, weight_bits=32, activation_bits=32)
    assert recipe_of(choice) == Recipe()


def test_channels_go_by_share_even_where_a_size_was_set() -> None:
    choice = Choice(granularity="channel", prune_by="threshold", share=40)
    assert recipe_of(choice).steps[0] == Prune(sparsity=0.4, granularity="channel")


def test_an_override_is_a_later_step_for_one_layer() -> None:
    own = (
        Override(layer="fc1", share=90, activation_bits=4),
        Override(layer="odd[0]", bits=3),
    )
    steps = recipe_of(Choice(share=50, overrides=own)).steps
    assert steps[:2] == (Prune(sparsity=0.5), Prune(sparsity=0.9, layers="fc1"))
    assert steps[3] == Quantize(weight_bits=None, activation_bits=4, layers="fc1")
    assert steps[4] == Quantize(weight_bits=3, layers="odd[[]0]")


def test_an_imported_recipe_decides_alone() -> None:
    imported = Recipe(steps=(Quantize(weight_bits=3, layers="fc*"),), seed=4)
    assert recipe_of(Choice(share=90, recipe=imported.to_json())) == imported
    with pytest.raises(RecipeError):
        recipe_of(Choice(recipe="{}"))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_recognised_until_something_moves(name: str) -> None:
    values: dict[str, Any] = PRESETS[name]
    assert preset_of(Choice(**values)) == name
    assert preset_of(Choice(**{**values, "share": values["share"] + 1})) is None
    assert preset_of(Choice(**values, overrides=(Override(layer="fc1", bits=4),))) is None
