"""Learn: every lesson draws one picture that says its finding, and every button arrives."""

from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.runs import open_store
from compress_core.worth import Worth
from pages.shared import attempts, learn_missions, tuning
from pages.shared.choice import Choice, recipe_of
from pages.shared.learn_questions import QUESTIONS, answer
from pages.shared.lessons.table import LESSONS
from tests.browser import ROOT
from tests.stage import charts, idle_store, open_page, words
from tests.test_missions import outcome

PAGE = str(ROOT / "pages" / "8_learn.py")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that are asked for; a page that stands alone knows no others."""
    pages: list[str] = []

    def switch(page: str) -> None:
        pages.append(page)
        st.stop()

    monkeypatch.setattr("streamlit.switch_page", switch)
    return pages


def chosen(at: AppTest) -> Choice:
    fields = Choice.__dataclass_fields__
    return Choice(**{name: at.session_state[f"choice.{name}"] for name in fields})


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_draws_one_picture_whose_finding_is_said(name: str) -> None:
    at = open_page(PAGE, concept=name)
    (chart,) = charts(at)
    assert any(letter.isdigit() for letter in chart.alt)
    assert chart.alt.split(".")[0] in words(at)
    assert len(at.get("latex")) >= 1
    assert at.radio(key="learn.concept").value == name


MOVES: dict[str, tuple[str, str, Any]] = {
    "pruning": ("slider", "pruning.share", 90),
    "shapes": ("segmented_control", "holes.how", "channel"),
    "layers": ("segmented_control", "across.how", "erk"),
    "rounding": ("slider", "rounding.bits", 2),
    "clipping": ("slider", "clipping.bits", 2),
    "coding": ("slider", "coding.share", 90),
    "precision": ("slider", "precision.scale", 24),
    "distillation": ("slider", "distillation.temperature", 20.0),
}
"""Lesson -> kind and key of a control, and where to move it."""


@pytest.mark.parametrize("name", LESSONS)
def test_a_control_changes_what_is_said(name: str) -> None:
    at = open_page(PAGE, concept=name)
    before = charts(at)[0].alt
    kind, key, value = MOVES[name]
    if kind == "slider":
        at.slider(key=f"learn.{key}").set_value(value).run()
    else:
        at.session_state[f"learn.{key}"] = value
        at.run()
    assert not at.exception
    assert charts(at)[0].alt != before


def test_another_lesson_comes_from_the_list_and_is_in_the_address() -> None:
    at = open_page(PAGE)
    at.radio(key="learn.concept").set_value("clipping").run()
    assert at.query_params["concept"] == "clipping"
    assert at.subheader[0].value == "Where should the range end?"


def test_a_link_to_a_concept_opens_it_whatever_was_open() -> None:
    at = open_page(PAGE, view="missions")
    assert "concept" not in at.query_params
    at.query_params.clear()
    at.query_params["concept"] = "coding"
    at.run()
    assert at.radio(key="learn.concept").value == "coding"


def test_a_link_to_nothing_opens_the_first() -> None:
    assert open_page(PAGE, concept="juggling").radio(key="learn.concept").value == "pruning"


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_is_whole(name: str) -> None:
    text = answer(QUESTIONS[name])
    assert "{" not in text
    recipe_of(QUESTIONS[name].shown)


@pytest.mark.parametrize("name", ["nothing-smaller", "int8-slower", "two-of-four", "why-retrain"])
def test_show_me_opens_exactly_that_setting(name: str, opened: list[str]) -> None:
    """In one click, from another network and setting."""
    at = open_page(PAGE, view="questions", model="digits.simple-nn", share="77")
    question = QUESTIONS[name]
    at.button(key=f"learn.show.question.{name}").click().run()
    assert not at.exception
    assert chosen(at) == question.shown
    assert opened == ["pages/3_recover.py" if question.plan else "pages/2_explore.py"]
    if question.plan:
        assert at.session_state["tuning.epochs"] == dict(question.plan)["epochs"]


def test_show_me_of_a_lesson_takes_along_what_was_set(opened: list[str]) -> None:
    at = open_page(PAGE, concept="coding")
    at.slider(key="learn.coding.share").set_value(85)
    at.slider(key="learn.coding.bits").set_value(3).run()
    at.button(key="learn.show.coding").click().run()
    assert (chosen(at).share, chosen(at).weight_bits) == (85, 3)
    assert opened == ["pages/2_explore.py"]


def test_missions_begin_untouched(monkeypatch: pytest.MonkeyPatch, opened: list[str]) -> None:
    with idle_store(monkeypatch):
        at = open_page(PAGE, view="missions")
        assert "0 of 6 accomplished" in words(at)
        assert words(at).count("Not started") == 6
        at.button(key="learn.begin.slim").click().run()
        assert chosen(at).scenario == "fashion-mnist/resnet-20"
        assert recipe_of(chosen(at)).steps == ()
        assert opened == ["pages/2_explore.py"]


def test_a_mission_is_done_by_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with idle_store(monkeypatch) as store:
        recipe = Recipe(steps=(Quantize(weight_bits=4),))
        for accuracy in (300, 354):
            store.note("reviews/conv", 0, recipe, outcome(accuracy))
        at = open_page(PAGE, view="missions")
        assert "1 of 6 accomplished" in words(at)
        assert "Done ·" in words(at)


def test_the_lander_is_sent_to_play_as_it_is_in_the_fitting_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with idle_store(monkeypatch) as store:
        at = open_page(PAGE, view="missions", model="lander.mlp", share="0", bits="4")
        at.button(key="learn.play").click().run()
        (run,) = store.list(task="returns")
        assert (run.scenario, run.state) == ("lander/mlp", "queued")
        assert run.recipe == recipe_of(chosen(at))


def test_the_speed_of_an_onnx_file_counts_for_the_mission_that_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe(steps=(Prune(sparsity=0.5, granularity="channel"),))
    was, now = (
        Worth.from_dict(outcome(353)[which]["validation"]) for which in ("original", "final")
    )
    proof = SimpleNamespace(
        target="onnx", run=SimpleNamespace(latency=SimpleNamespace(speedup=3.5))
    )
    with idle_store(monkeypatch) as store:
        monkeypatch.setattr("streamlit.session_state", {})
        for scenario in ("digits/simple-nn", "fashion-mnist/vgg-small"):
            hanger: Any = SimpleNamespace(
                scenario=scenario, seed=0, recipe=recipe, whole_worth=lambda: (was, now)
            )
            attempts.note_speed(hanger, proof)
        (noted,) = store.list(task="fitting")
        assert noted.scenario == "fashion-mnist/vgg-small"
        assert noted.outcome is not None and noted.outcome["speedup"] == 3.5


def test_every_mission_has_its_words() -> None:
    from compress_core.missions import MISSIONS

    assert set(learn_missions.WORDS) == {mission.name for mission in MISSIONS}


def test_a_plan_changes_what_is_asked_and_nothing_else() -> None:
    assert tuning.planned(teacher=0.5) == Finetune(epochs=3, teacher=0.5)


def test_the_fitting_room_notes_what_brings_a_mission_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with idle_store(monkeypatch):
        page = str(ROOT / "pages" / "2_explore.py")
        query = {"model": "reviews.conv", "share": "0", "bits": "8"}
        open_page(page, **query)
        store = open_store()
        (run,) = store.list(task="fitting")
        assert run.scenario == "reviews/conv"
        open_page(page, **query)
        assert len(store.list(task="fitting")) == 1, "the same again is not nearer"
        store.close()
