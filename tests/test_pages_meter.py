"""The live meter: what it shows is measured, on ever more samples, and nothing for nothing."""

import gc
import threading
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from compress_core import refine
from compress_core.compressed import Compressed
from compress_core.data import Part
from compress_core.evaluate import Answers, answer
from compress_core.refine import Refinement
from tests.browser import ROOT
from tests.stage import idle_store, open_page, words

PAGE = str(ROOT / "pages" / "2_explore.py")
TOTAL = 360
"""Validation samples of SimpleNN."""


class Gate:
    """Lets the first hundred samples pass, and the others when it is open."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def answer(self, model: Compressed, part: Part, known: Answers) -> Answers:
        if len(part) > 100:
            assert self.opened.wait(60)
        return answer(model, part, known)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    monkeypatch.setattr(refine, "answer", made.answer)
    monkeypatch.setattr(refine, "FEWEST", 100)
    monkeypatch.setattr(refine, "ENOUGH", 100)
    yield made
    made.opened.set()


def explore(**query: str) -> AppTest:
    # Another setting in each test: what is known already need not be measured.
    return open_page(PAGE, model="digits.simple-nn", **query)


def running(at: AppTest) -> Refinement:
    found: Refinement = at.session_state["meter.running"][1]
    return found


def accuracy(at: AppTest) -> tuple[str, str]:
    """What the tag says of accuracy: the value, and on how many samples."""
    (metric,) = (m for m in at.metric if m.label == "Accuracy")
    return metric.value, metric.proto.delta_description


def test_the_first_result_is_shown_and_says_that_more_is_coming(gate: Gate) -> None:
    at = explore(share="11")
    value, samples = accuracy(at)
    assert value.startswith("9") and "±" in value
    assert samples.endswith("· 100 samples")
    assert "measured · 100 of 360 validation samples so far" in words(at)
    gate.opened.set()
    running(at).wait(60, over=True)
    at.run()
    narrow, samples = accuracy(at)
    assert samples.endswith("· 360 samples")
    assert float(narrow.split("±")[1]) < float(value.split("±")[1])
    assert "measured · 360 validation samples" in words(at)


def test_the_next_move_drops_what_is_not_wanted_any_more(gate: Gate) -> None:
    at = explore(share="12")
    first = running(at)
    at.slider(key="choice.share").set_value(13).run()
    assert running(at) is not first
    assert accuracy(at)[1].endswith("· 100 samples")
    gate.opened.set()
    for refinement in (first, running(at)):
        refinement.wait(60, over=True)
    assert not first.over and running(at).over


def test_sizes_do_not_wait_for_an_accuracy(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refine, "FIRST_MACS", 0)  # nothing is measured soon
    monkeypatch.setattr(refine, "LEAST", 200)
    monkeypatch.setattr("pages.shared.meter.PATIENCE", 0.01)
    at = explore(share="14")
    assert not at.exception
    assert accuracy(at) == ("…", "is being measured")
    assert at.metric[0].value.endswith("kB")
    assert "measured · 0 of 360 validation samples so far" in words(at)


def test_a_setting_that_was_measured_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at = explore(share="15")
    running(at).wait(60, over=True)
    at.slider(key="choice.share").set_value(16).run()
    running(at).wait(60, over=True)

    def never(*_: object) -> Answers:
        raise AssertionError("It is known already.")

    monkeypatch.setattr(refine, "answer", never)
    at.slider(key="choice.share").set_value(15).run()
    assert accuracy(at)[1].endswith(f"· {TOTAL} samples")


def test_an_evaluation_that_fails_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Answers:
        raise MemoryError("too large")

    monkeypatch.setattr(refine, "answer", broken)
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["model"], at.query_params["share"] = "digits.simple-nn", "17"
    at.run()
    assert at.exception[0].message == "too large"


@pytest.mark.parametrize(
    ("page", "share"), [("3_recover", "41"), ("7_export", "42"), ("9_try", "43")]
)
def test_every_page_reads_the_same_meter(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, page: str, share: str
) -> None:
    with idle_store(monkeypatch):
        at = open_page(str(ROOT / "pages" / f"{page}.py"), model="digits.simple-nn", share=share)
        assert "· 100 samples" in accuracy(at)[1]
        gate.opened.set()
        running(at).wait(60, over=True)
        at.run()
        assert not at.exception
        assert f"· {TOTAL} samples" in accuracy(at)[1]


def test_what_is_loaded_is_not_looked_through_after_every_run() -> None:
    # Nothing would come of it: libraries are no garbage.
    explore(share="33")
    assert gc.get_freeze_count() > 100_000
