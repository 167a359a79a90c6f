import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_core.choices import PRUNE_CHOICES, QUANTIZE_CHOICES
from compress_core.recipe import (
    KINDS,
    Factorize,
    Finetune,
    Prune,
    Quantize,
    Recipe,
    RecipeError,
)
from compress_core.recipe_json import LONGEST_JSON
from tests.strategies import json_values, names, recipes, scalars

LONGEST_SENTENCE = 500


def refusal(text: str) -> str:
    """Return the one sentence that a text is refused with."""
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(text)
    said = str(caught.value)
    assert "\n" not in said and said.endswith(".") and len(said) < LONGEST_SENTENCE
    return said


def recipe_text(**values: Any) -> str:
    return json.dumps({"kind": "recipe", **values})


def step_text(kind: str, **values: Any) -> str:
    return recipe_text(steps=[{"kind": kind, **values}])


@given(recipes)
def test_every_recipe_survives_its_json(recipe: Recipe) -> None:
    again = Recipe.from_json(recipe.to_json())

    assert again == recipe
    assert again.digest() == recipe.digest()
    assert hash(again) == hash(recipe)


@given(recipes, recipes)
def test_digests_are_equal_exactly_for_equal_recipes(one: Recipe, other: Recipe) -> None:
    assert (one.digest() == other.digest()) == (one == other)


@given(recipes, st.integers(0, 2**31 - 1))
def test_every_field_is_in_the_digest(recipe: Recipe, seed: int) -> None:
    changed = replace(recipe, seed=seed)
    assert (changed.digest() == recipe.digest()) == (seed == recipe.seed)


def test_values_that_are_equal_have_one_digest() -> None:
    zero, minus_zero = (Recipe(steps=(Prune(sparsity=s),)) for s in (0, -0.0))
    assert zero == minus_zero and zero.digest() == minus_zero.digest()
    one, also_one = (Recipe(finetune=Finetune(lr=lr)) for lr in (1, 1.0))
    assert one == also_one and one.digest() == also_one.digest()


def test_a_digest_stays_what_it_was() -> None:
    # History and addresses of last year must find their recipes: defaults are part of the value.
    assert Recipe().digest() == Recipe.from_json('{"kind": "recipe"}').digest()
    assert len(Recipe().digest()) == 16


@given(json_values)
def test_whatever_json_there_is_ends_in_a_recipe_or_one_sentence(value: Any) -> None:
    text = json.dumps(value)
    try:
        assert isinstance(Recipe.from_json(text), Recipe)
    except RecipeError as error:
        assert str(error).endswith(".") and "\n" not in str(error)


@given(st.sampled_from(sorted(set(KINDS) - {"recipe"})), names, scalars)
def test_one_wrong_value_is_refused_with_one_sentence(kind: str, name: str, value: Any) -> None:
    part = {"kind": kind, name: value}
    where = {"finetune": part} if kind == "finetune" else {"steps": [part]}
    try:
        Recipe.from_json(recipe_text(**where))
    except RecipeError as error:
        assert str(error).endswith(".") and len(str(error)) < LONGEST_SENTENCE


@given(st.text())
def test_text_that_is_no_json_is_refused(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        refusal(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (step_text("prune", sparsity=0.5, color=1), "'color' is unknown in prune"),
        (recipe_text(step=[]), "'step' is unknown in recipe"),
        (step_text("prune", sparsity=1.0), "sparsity is 1.0; use a number below 1"),
        (step_text("prune", sparsity=-0.1), "sparsity is -0.1; use a number from 0 to 1"),
        (step_text("prune", sparsity="0.5"), "sparsity is '0.5'"),
        (step_text("prune", sparsity=True), "sparsity is True"),
        (step_text("prune", sparsity=[0.5]), "sparsity is (0.5,)"),
        (step_text("prune"), "either sparsity or threshold"),
        (step_text("prune", sparsity=0.5, threshold=0.1), "exactly one"),
        (step_text("prune", sparsity=0.5, layers=""), "layers is ''"),
        (step_text("prune", sparsity=0.5, layers=None), "layers is None"),
        (step_text("prune", sparsity=0.5, granularity="row"), "granularity is 'row'"),
        (step_text("prune", granularity="n:m"), "takes n_of_m"),
        (step_text("prune", sparsity=0.5, n_of_m="2:4"), "goes with granularity"),
        (step_text("prune", threshold=1, criterion="random"), "criterion l1 or l2"),
        (step_text("quantize", weight_bits=1), "weight_bits is 1; use a whole number from 2 to 16"),
        (step_text("quantize", weight_bits=33), "weight_bits is 33"),
        (step_text("quantize", weight_bits=True), "weight_bits is True"),
        (step_text("quantize", weight_bits=4.0), "weight_bits is 4.0"),
        (step_text("quantize", weight_bits="4"), "weight_bits is '4'"),
        (step_text("quantize", activation_bits=17), "activation_bits is 17"),
        (step_text("quantize", weight_bits=None), "needs weight_bits, activation_bits or both"),
        (step_text("quantize", scheme="Affine"), "scheme is 'Affine'; use symmetric or affine"),
        (step_text("quantize", equalize=1), "equalize is 1"),
        (step_text("factorize"), "either rank or energy"),
        (step_text("factorize", rank=0), "rank is 0"),
        (recipe_text(finetune={"kind": "finetune", "epochs": 0}), "epochs is 0"),
        (recipe_text(finetune={"kind": "finetune", "lr": 0}), "lr is 0"),
        (recipe_text(finetune={"kind": "finetune", "amp": 1}), "amp is 1"),
        (recipe_text(finetune={"kind": "finetune", "samples": 0}), "samples is 0"),
        (recipe_text(finetune={"kind": "prune", "sparsity": 0.5}), "finetune must be"),
        (recipe_text(finetune=False), "finetune must be"),
        (recipe_text(steps=None), "steps must be"),
        (recipe_text(steps=[{"kind": "finetune"}]), "steps must be"),
        (recipe_text(steps=[1]), "steps must be"),
        (recipe_text(seed=-1), "seed is -1"),
        (recipe_text(version=2), "version 2; this app reads version 1"),
        (recipe_text(version=True), "version True"),
        (recipe_text(version="1"), "version '1'"),
        ("null", "outermost object"),
        ("[]", "outermost object"),
        ('"recipe"', "outermost object"),
        ('{"kind": "finetune"}', "outermost object"),
        ("{}", "Kind None is unknown"),
        ('{"kind": ["recipe"]}', "Kind ['recipe'] is unknown"),
        ('{"kind": {"a": 1}}', "Kind"),
        ('{"kind": "os.system"}', "Kind 'os.system' is unknown"),
        ('{"kind": "recipe", "kind": "recipe"}', "'kind' is given twice"),
        ("", "not valid JSON"),
        ('{"kind": "recipe"', "not valid JSON"),
    ],
)
def test_bad_recipes_are_refused_by_name(text: str, says: str) -> None:
    assert says in refusal(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("name", ["sparsity", "threshold"])
def test_a_number_must_be_finite(name: str, number: str) -> None:
    refusal(f'{{"kind": "recipe", "steps": [{{"kind": "prune", "{name}": {number}}}]}}')


@pytest.mark.parametrize("digits", [400, 4000, 5000])
@pytest.mark.parametrize("name", ["sparsity", "layers"])
def test_a_number_of_many_digits_is_refused_briefly(name: str, digits: int) -> None:
    refusal(
        f'{{"kind": "recipe", "steps": [{{"kind": "prune", "{name}": {"9" * digits}, "x": 1}}]}}'
    )
    refusal(f'{{"kind": "recipe", "steps": [{{"kind": "prune", "{name}": {"9" * digits}}}]}}')


@pytest.mark.parametrize("depth", [100, 300, 500, 700, 900, 49_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    refusal("[" * depth + "]" * depth)
    refusal('{"kind": "recipe", "steps": ' + "[" * depth + "]" * depth + "}")
    refusal('{"a": ' * (depth // 4) + "1" + "}" * (depth // 4))


def test_unclosed_brackets_by_the_hundred_thousand_are_refused() -> None:
    refusal("[" * LONGEST_JSON)
    refusal("[" * (LONGEST_JSON + 1))


def test_a_giant_text_is_refused_before_it_is_parsed() -> None:
    assert "1,000,000 characters" in refusal(" " * 1_000_000)


def test_a_long_value_is_not_repeated_in_full() -> None:
    refusal(step_text("prune", sparsity="x" * 50_000))
    refusal(step_text("x" * 50_000))
    refusal(step_text("prune", **{"x" * 50_000: 1}))
    refusal(recipe_text(version="x" * 50_000))


def test_thousands_of_names_are_looked_through_once() -> None:
    text = "{" + ",".join(f'"{i:x}": 0' for i in range(9_000)) + "}"
    assert "Kind None" in refusal(text)


@pytest.mark.parametrize("late", [Prune(sparsity=0.5), Quantize(), Factorize(rank=0.5)])
def test_channels_go_first(late: Any) -> None:
    channels = Prune(sparsity=0.5, granularity="channel")
    with pytest.raises(RecipeError, match="Whole channels go first"):
        Recipe(steps=(late, channels))
    assert Recipe(steps=(channels, late)).steps == (channels, late)


def test_python_meets_the_same_door() -> None:
    for wrong in ([Prune(sparsity=0.5)], (None,), (Recipe(),), "prune"):
        with pytest.raises(RecipeError, match="steps must be"):
            Recipe(steps=wrong)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="sparsity is nan"):
        Prune(sparsity=float("nan"))
    with pytest.raises(RecipeError, match="either sparsity or threshold"):
        Prune()


def test_the_choices_name_fields_and_contain_their_defaults() -> None:
    for owner, choices in ((Prune(sparsity=0.5), PRUNE_CHOICES), (Quantize(), QUANTIZE_CHOICES)):
        for name, allowed in choices.items():
            assert asdict(owner)[name] in allowed
