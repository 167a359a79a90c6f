from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from compress_core.layer_times import LayerTimes, Timing, place, save_times
from compress_core.measured import Estimate
from compress_core.owner import this_process
from compress_core.runs import Store
from compress_core.specimens import specimens
from pages.shared.speed import START, sentence
from tests import stage
from tests.browser import ROOT

PAGE = str(ROOT / "pages" / "2_explore.py")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.delenv("FITTING_ROOM_SCHEDULER", raising=False)
    with stage.idle_store(monkeypatch) as store:
        yield store


def opened() -> AppTest:
    return stage.open_page(PAGE, model="digits.simple-nn")


def measured() -> LayerTimes:
    """What is measured where integers take half as long as floats."""
    timings = tuple(
        Timing(
            operators=specimen.operators,
            precision=specimen.precision,
            seconds={"float32": 4e-5, "int8": 2e-5}[specimen.precision],
        )
        for specimen in specimens()
    )
    return LayerTimes(machine="here", lanes=16, rounds=5, timings=timings)


def test_layers_are_measured_once_when_somebody_asks(store: Store) -> None:
    at = opened()
    at.button(key=START).click().run()
    assert not at.exception
    (run,) = store.list(task="times")
    assert run.state == "queued"
    assert not [button for button in at.button if button.key == START]
    store.claim(run.id, this_process())
    store.progress(run.id, 30, 100, 14.0)
    at.run()
    assert "14 s left" in str(at.get("progress")[0].proto.text)


def test_afterwards_every_setting_has_an_estimate(store: Store) -> None:
    save_times(measured(), store.home)
    at = stage.open_page(PAGE, model="digits.simple-nn", preset="gentle")
    said = next(c.value for c in at.caption if c.value.startswith("Speed here"))
    assert said.startswith("Speed here: ≈ 0.0")
    assert "estimated from layers measured on this machine" in said
    assert not [button for button in at.button if button.key == START]


def test_damaged_times_are_measured_again(store: Store) -> None:
    place(store.home).parent.mkdir()
    place(store.home).write_text("{}")
    assert opened().button(key=START)


def test_the_sentence_says_how_sure_it_is_and_compares() -> None:
    was, now = Estimate(0.0003, 0.0002, 0.0004), Estimate(0.0001, 0.00008, 0.00012)
    assert sentence(was, now) == (
        "Speed here: ≈ 0.100 ms a sample in ONNX Runtime (0.0800 to 0.120), ≈ 3.00× faster than "
        "the original, estimated from layers measured on this machine."
    )
    assert "≈ 3.00× slower than the original" in sentence(now, was)
    assert "the same as the original" in sentence(now, now)
    assert "not estimated" in sentence(was, None)


def test_the_sentence_names_what_was_not_measured() -> None:
    assert "since the operator `Sigmoid act` was not measured" in sentence(
        None, None, "Sigmoid act"
    )
