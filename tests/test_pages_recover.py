from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from compress_core.recipe import Finetune, Recipe
from compress_core.runs import Store
from compress_core.speed import StepTimes
from pages.shared import recover, reopen, run_words, tuning
from pages.shared.choice import Choice, Override, recipe_of
from tests import stage
from tests.browser import ROOT

PAGE = str(ROOT / "pages" / "3_recover.py")
CONTROLS = {"model": "digits.simple-nn", "share": "60", "bits": "4"}
"""The address of the controls that describe the steps of `stage.RECIPE`."""


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with stage.idle_store(monkeypatch) as store:
        yield store


def opened(**query: str) -> AppTest:
    return stage.open_page(PAGE, **query)


def tag(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def test_the_page_stands_alone_and_waits_to_be_started(store: Store) -> None:
    at = opened(**CONTROLS)

    assert at.button("recover.start").label == "Win it back"
    assert "Compression cost" in stage.charts(at)[0].alt
    assert store.list() == []


def test_starting_hands_recipe_and_settings_to_the_engine(store: Store) -> None:
    at = opened(**CONTROLS, epochs="2", train="1000")
    at.button("recover.start").click().run()

    (run,) = store.list()
    assert (run.scenario, run.seed, run.recipe) == (stage.NAME, 0, stage.RECIPE)
    assert at.query_params["run"] == run.id
    assert at.button("recover.cancel").label == "Stop and keep the best"


def test_without_compression_there_is_nothing_to_win_back() -> None:
    at = opened(model="digits.simple-nn", share="0", bits="32", activations="32")

    assert at.title[0].value == "Nothing is compressed yet"
    assert at.button("recover.explore").label == "Go to Explore"


def test_a_run_at_work_shows_how_far_it_is_and_can_be_stopped(store: Store) -> None:
    run = stage.begun(store)
    at = opened(run=run.id)
    text = stage.words(at)

    assert "1 min 15 s" in text and "step 8 of 16" in text and "2.00 ms per step" in text
    assert "+5.0 pt against the start" in stage.charts(at)[0].alt
    assert "95.0 %" in tag(at)["Accuracy"]

    at.button("recover.cancel").click().run()
    assert store.cancel_requested(run.id)
    assert "Stopping …" in stage.words(at)


def test_a_waiting_run_says_what_it_waits_for(store: Store) -> None:
    stage.begun(store)
    run = store.create(stage.NAME, 0, replace(stage.RECIPE, finetune=Finetune(epochs=3)))
    at = opened(run=run.id)
    assert "One other run comes first" in stage.words(at)

    at.button("recover.cancel").click().run()
    assert "Stopped before it began" in stage.words(at)
    assert at.button("recover.start")


def test_a_finished_run_tells_before_after_and_the_next_step(store: Store) -> None:
    run = stage.ended(store)
    at = opened(run=run.id)
    text = stage.words(at)

    assert "5.00 of 8.06 lost points won back" in text
    assert "The test samples were not looked at before the end" in text
    assert at.button("tag.next").label == "Take it with me"
    assert at.button("recover.compare").label == "Compare runs"
    assert tag(at) == {"Packed size": "3.50 kB", "Accuracy": "95.0 % ±2.3"}


def test_a_stopped_run_keeps_its_best_and_says_so(store: Store) -> None:
    at = opened(run=stage.ended(store, cancelled=True).id)

    assert "Stopped at step 8 of 16; the best state until then was kept." in stage.words(at)
    assert tag(at)["Accuracy"] == "95.0 % ±2.3"


@pytest.mark.parametrize("kept", [True, False])
def test_a_failed_run_tells_why_and_what_is_left(store: Store, kept: bool) -> None:
    at = opened(run=stage.failed(store, kept=kept).id)
    text = stage.words(at)

    assert "The worker was ended." in text
    assert ("Its best state is kept" in text) == kept
    assert ("Nothing was kept" in text) != kept
    assert len(at.get("download_button")) == kept
    assert at.button("recover.start").label == "Win it back"


def test_a_run_in_the_address_moves_every_control(store: Store) -> None:
    run = stage.ended(store)
    at = opened(run=run.id)

    assert at.session_state["choice.share"] == 60
    assert at.session_state["choice.weight_bits"] == 4
    assert at.select_slider("tuning.epochs").value == 2
    assert at.query_params["run"] == run.id


def test_without_a_run_in_the_address_the_newest_that_fits_is_shown(store: Store) -> None:
    stage.ended(store)
    newest = stage.ended(store)
    stage.ended(store, recipe=Recipe(steps=stage.RECIPE.steps[:1], finetune=Finetune()))
    at = opened(**CONTROLS)

    assert at.query_params["run"] == newest.id


def test_a_run_that_was_deleted_is_not_missed(store: Store) -> None:
    at = opened(**CONTROLS, run="0123456789abcdef")

    assert "run" not in at.query_params
    assert at.button("recover.start")


def test_settings_come_back_from_the_address_and_nonsense_does_not() -> None:
    at = opened(**CONTROLS, epochs="12", rate="0.01", mixed="0", train="-5", shuffle="x")

    assert at.select_slider("tuning.epochs").value == 12
    assert at.selectbox("tuning.lr").value == 0.01
    assert at.toggle("tuning.amp").value is False
    assert at.session_state["tuning.samples"] == tuning.ALL
    assert at.number_input("tuning.seed").value == 0


@pytest.mark.parametrize(
    "choice",
    [
        Choice(),
        Choice(share=0, weight_bits=32, activation_bits=32),
        Choice(prune_by="threshold", threshold=0.05),
        Choice(granularity="channel", allocation="global", share=40),
        Choice(scale="per_tensor", scheme="affine", activation_bits=32),
        Choice(overrides=(Override(layer="fc2", share=80), Override(layer="fc1", bits=8))),
        Choice(overrides=(Override(layer="fc1", bits=4, activation_bits=5),)),
    ],
    ids=["first", "nothing", "threshold", "channels", "scales", "layers", "activations"],
)
def test_the_controls_find_their_way_back_from_a_recipe(choice: Choice) -> None:
    values = reopen.controls_for(recipe_of(choice))

    assert values is not None
    assert recipe_of(replace(choice, **values)) == recipe_of(choice)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (80, "1 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_are_told_in_two_units(seconds: float, text: str) -> None:
    assert run_words.duration(seconds) == text


@pytest.mark.parametrize(
    ("speedup", "dtype", "start"),
    [
        (1.8, "bfloat16", "1.80× faster"),
        (0.7, "bfloat16", "Slower here"),
        (0.98, "bfloat16", "No difference"),
        (1.0, "float32", "This machine trains in float32"),
    ],
)
def test_mixed_precision_is_told_honestly(speedup: float, dtype: str, start: str) -> None:
    times = StepTimes(
        amp_seconds=0.002, fp32_seconds=0.002 * speedup, dtype=dtype, steps=10,
        speedup=speedup, lowest=speedup, highest=speedup,
    )  # fmt: skip
    assert recover.speed_sentence(times).startswith(start)
