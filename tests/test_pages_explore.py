import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compress_core.recipe import Prune, Quantize, Recipe
from pages.shared import recipes
from pages.shared.choice import PRESETS, Override, recipe_of
from pages.shared.layers import merge
from tests.browser import ROOT

PAGE = str(ROOT / "pages" / "2_explore.py")


def opened(**values: Any) -> AppTest:
    """The page with SimpleNN on, which is quick, and some controls moved."""
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["model"] = "digits.simple-nn"
    for name, value in values.items():
        at.query_params[name] = str(value)
    return good(at.run())


def good(at: AppTest) -> AppTest:
    assert not at.exception
    return at


def tag(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def worn(at: AppTest) -> Recipe:
    from pages.shared.choice import Choice

    fields = Choice.__dataclass_fields__
    return recipe_of(Choice(**{name: at.session_state[f"choice.{name}"] for name in fields}))


def sentences(at: AppTest) -> str:
    return " ".join(caption.value for caption in at.caption)


def picture(at: AppTest) -> dict[str, Any]:
    """What the histogram with the handles is told."""
    (component,) = at.get("bidi_component")
    data: dict[str, Any] = json.loads(component.proto.json or component.proto.mixed.json)
    return data


def charts(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("vega_lite_chart")]


def test_the_page_stands_alone() -> None:
    at = opened()
    assert at.title[0].value == "SimpleNN"
    assert tag(at)["Packed size"].endswith("kB")
    assert "%" in tag(at)["Accuracy"]


def test_every_picture_says_what_it_shows() -> None:
    shown = charts(opened())
    assert len(shown) == 1
    assert all(chart.alt.endswith(".") and any(c.isdigit() for c in chart.alt) for chart in shown)


def test_moving_a_slider_changes_numbers_address_and_recipe() -> None:
    at = opened()
    before = tag(at)
    good(at.slider(key="choice.share").set_value(80).run())
    assert tag(at) != before
    assert at.query_params["share"] == "80"
    assert worn(at).steps[0] == Prune(sparsity=0.8)


def test_share_and_size_are_two_views_of_one_choice() -> None:
    at = opened(share=50)
    assert "every weight smaller than" in sentences(at)
    good(at.button_group(key="choice.prune_by").set_value("threshold").run())
    good(at.slider(key="choice.threshold").set_value(0.1).run())
    assert "of all weights are smaller" in sentences(at)
    assert worn(at).steps[0] == Prune(threshold=0.1)


def test_an_address_sets_every_control() -> None:
    at = opened(seed=2, share=70, bits=4, activations=32, scheme="affine", layers="fc1~20~3")
    assert at.session_state["choice.seed"] == 2
    assert worn(at).steps == (
        Prune(sparsity=0.7),
        Prune(sparsity=0.2, layers="fc1"),
        Quantize(weight_bits=4, scheme="affine"),
        Quantize(weight_bits=3, scheme="affine", layers="fc1"),
    )


def test_an_address_that_makes_no_sense_opens_the_page() -> None:
    at = opened(model="nothing.here", seed=77, layers="nolayer~20~", share="x")
    assert at.title[0].value == "LeNet-5"


def ticked(at: AppTest, preset: str) -> bool:
    return bool(at.button(key=f"explore.preset.{preset}").icon)


def test_presets_move_the_sliders() -> None:
    at = opened(share=77, layers="fc1~20~")
    assert [ticked(at, preset) for preset in PRESETS] == [False, False, False]
    good(at.button(key="explore.preset.bold").click().run())
    assert [ticked(at, preset) for preset in PRESETS] == [False, False, True]
    assert at.slider(key="choice.share").value == 50
    assert at.session_state["choice.overrides"] == ()


def test_channels_really_go() -> None:
    at = opened(remove="channel", share=50, bits=32)
    assert "went with their channels" in picture(at)["sentence"]
    assert "Whole channels go" in picture(at)["off"]
    control = at.button_group(key="choice.prune_by")
    assert control.disabled and "Only single weights" in control.help


def test_a_disabled_control_says_why() -> None:
    at = opened(bits=32)
    at.session_state["explore.more"] = True
    good(at.run())
    assert "not rounded" in at.button_group(key="choice.scale").help
    at = opened(by="threshold")
    at.session_state["explore.more"] = True
    good(at.run())
    assert "choose a share" in at.selectbox(key="choice.allocation").help


def test_few_values_are_drawn_and_counted() -> None:
    shown = picture(opened(bits=3, scale="per_tensor"))
    assert len(shown["values"]) == 7
    assert "nearest of 7 values" in shown["words"]["allowed"][1]


def test_an_imported_recipe_rests_the_controls() -> None:
    imported = Recipe(steps=(Prune(sparsity=0.5, layers="fc*"), Quantize(weight_bits=5)))
    at = opened()
    at.session_state["choice.recipe"] = imported.to_json()
    good(at.run())
    assert worn(at) == imported
    assert at.slider(key="choice.share").disabled
    again = AppTest.from_file(PAGE, default_timeout=60)
    again.query_params.update(at.query_params)
    assert worn(good(again.run())) == imported
    good(at.button(key="explore.recipe.off").click().run())
    assert not at.slider(key="choice.share").disabled


def test_a_recipe_for_another_network_is_refused_in_a_sentence() -> None:
    at = opened()
    at.session_state["choice.recipe"] = Recipe(steps=(Quantize(layers="conv9"),)).to_json()
    good(at.run())
    assert at.error[0].value.startswith("SimpleNN cannot wear this. No layer is called 'conv9'")
    assert at.title[0].value == "SimpleNN" and not at.metric
    good(at.button(key="explore.recipe.off").click().run())
    assert not at.error


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ('{"kind": "prune", "sparsity": 0.5, "colour": 1}', "colour"),
        ('{"kind": "prune", "sparsity": "half"}', "sparsity"),
        ('{"kind": "prune", "sparsity": NaN}', "NaN"),
        ('{"kind": "quantize", "weight_bits": 1}', "weight_bits"),
        ('{"kind": "quantize", "weight_bits": 33}', "weight_bits"),
        ('{"kind": "prune", "sparsity": 1.0}', "sparsity"),
        ('{"kind": "prune", "sparsity": 0.5, "layers": "conv9"}', "conv9"),
    ],
)
def test_a_bad_file_changes_nothing_and_says_why(step: str, word: str) -> None:
    at = opened(share=33)
    before = worn(at)
    text = f'{{"kind": "recipe", "steps": [{step}]}}'
    at.file_uploader(key="explore.recipe.file").set_value(
        ("r.json", text.encode(), "application/json")
    )
    good(at.run())
    (error,) = at.error
    assert error.value.startswith("Nothing was changed.") and word in error.value
    assert worn(at) == before


def test_a_good_file_is_put_on() -> None:
    recipe = Recipe(steps=(Prune(sparsity=0.6, allocation="lamp"),))
    assert recipes.check(recipe.to_json(), "digits/simple-nn", 0) == recipe


def test_edited_cells_become_overrides_and_emptied_ones_do_not() -> None:
    before = (Override(layer="fc2", share=40),)
    edits: dict[int, dict[str, Any]] = {0: {"own_bits": 4.0}, 1: {"own_share": None}}
    assert merge(before, ["fc1", "fc2"], edits) == (Override(layer="fc1", bits=4),)
    assert merge(before, ["fc1", "fc2"], {1: {"own_bits": 3}}) == (
        Override(layer="fc2", share=40, bits=3),
    )
    assert merge(before, ["fc1", "fc2"], {1: {"own_share": None, "own_activation_bits": 6}}) == (
        Override(layer="fc2", activation_bits=6),
    )


def test_low_rank_rows_are_drawn_and_listed() -> None:
    at = opened(lowrank=80, bits=4, activations=32, remove="n:m")
    assert not at.exception
    assert "fc1.1" in list(at.dataframe[-1].value["layer"])


TECHNIQUES: tuple[dict[str, object], ...] = (
    {"remove": "kernel", "keep": "taylor", "across": "erk"},
    {"remove": "channel", "keep": "wanda", "across": "lamp", "eights": 1},
    {"keep": "l1", "gradual": 1, "values": "codebook", "bits": 4, "scale": "per_group"},
    {"values": "power_of_two", "flow": "power_of_two", "range": "percentile"},
    {"bits": 4, "range": "mse", "learned": 1, "rebuild": "block", "biases": 1, "even": 1},
    {"lowrank": 60, "of": "rank", "method": "spatial", "range": "entropy"},
)


@pytest.mark.parametrize("query", TECHNIQUES, ids=lambda query: "-".join(query))
def test_every_technique_can_be_worn(query: dict[str, object]) -> None:
    at = opened(model="digits.simple-nn", **query)
    assert not at.exception
    assert not at.error
