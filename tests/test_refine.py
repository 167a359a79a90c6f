import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import pytest
import torch
from torch import Tensor

from compress_core import refine
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Part
from compress_core.evaluate import Answers, answer, evaluate, judge
from compress_core.recipe import Prune, Recipe
from compress_core.refine import Ledger, Refinement, first_samples, look_first
from compress_core.scenarios import load_scenario

SCENARIO = load_scenario("digits/simple-nn")
PART = SCENARIO.data.validation
"""360 samples: the first result stands on 200, the next ones on 300 and on all."""
BEFORE = compress(SCENARIO.network, Recipe())
AFTER = compress(SCENARIO.network, Recipe(steps=(Prune(sparsity=0.9),)))
BOTH = {"before": BEFORE, "after": AFTER}


def refinements() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "refinement"]


def until(true: Callable[[], bool]) -> None:
    deadline = monotonic() + 30
    while not true():
        assert monotonic() < deadline, "It did not happen in time."
        sleep(0.005)


@contextmanager
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[int], Callable[[], None]]]:
    """Let nothing be measured before it is allowed: (lengths asked for, allow one more)."""
    asked: list[int] = []
    gate = threading.Semaphore(0)

    def held(model: Compressed, part: Part, known: Answers) -> Answers:
        asked.append(len(part))
        assert gate.acquire(timeout=30)
        return answer(model, part, known)

    monkeypatch.setattr(refine, "answer", held)
    yield asked, gate.release
    for _ in range(100):
        gate.release()


def test_in_the_end_it_has_measured_what_an_evaluation_measures() -> None:
    refinement = Refinement(BOTH, PART, 200, Ledger(8))
    refinement.wait(30, over=True)
    for key, network in BOTH.items():
        found = judge(refinement.answers[key], PART, 10)
        assert found.accuracy == evaluate(network, PART).accuracy
        assert found.per_class == evaluate(network, PART).per_class
    assert refinement.total == 360
    until(lambda: not refinements())


def test_before_and_after_stand_on_the_same_growing_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with one_by_one(monkeypatch) as (asked, allow):
        refinement = Refinement(BOTH, PART, 200, Ledger(8))
        until(lambda: len(asked) == 1)
        assert refinement.answers == {}
        seen = []
        for _ in range(8):
            before = len(asked)
            allow()
            until(lambda at=before: len(asked) > at or not refinements())  # type: ignore[misc]
            seen.append([len(answers) for answers in refinement.answers.values()])
    assert asked == [100, 200, 100, 200, 300, 300, 360, 360]
    assert [200, 200] in seen and [300, 300] in seen
    assert all(len(set(lengths)) <= 1 for lengths in seen)


def test_dropped_work_ends_at_once_and_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = Ledger(8)
    with one_by_one(monkeypatch) as (asked, allow):
        refinement = Refinement(BOTH, PART, 200, ledger)
        until(lambda: len(asked) == 1)
        refinement.stop()
        allow()
        until(lambda: not refinements())
        assert asked == [100] and refinement.answers == {}
    again = Refinement(BOTH, PART, 200, ledger)
    known = ledger.get("before")
    assert known is not None and len(known) >= 100
    again.wait(30, over=True)
    assert len(again.answers["before"]) == 360
    assert torch.equal(again.answers["before"].predicted, answer(BEFORE, PART).predicted)


def test_what_is_known_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(8)
    Refinement(BOTH, PART, 200, ledger).wait(30, over=True)

    def never(*_: object) -> Answers:
        raise AssertionError("It is known already.")

    monkeypatch.setattr(refine, "answer", never)
    again = Refinement(BOTH, PART, 200, ledger)
    again.wait(30)
    assert len(again.answers["after"]) == 360


def test_nothing_goes_on_when_nobody_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with one_by_one(monkeypatch) as (asked, allow):
        refinement = Refinement(BOTH, PART, 200, Ledger(8))
        until(lambda: len(asked) == 1)
        del refinement
        gc.collect()
        allow()
        until(lambda: not refinements())
    assert asked == [100]


def test_a_first_look_is_taken_at_once_at_what_does_not_take_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = Ledger(8)
    look_first(BOTH, PART.head(0), 0, ledger)
    assert ledger.get("before") is None
    look_first(BOTH, PART, 200, ledger)
    known = ledger.get("after")
    assert known is not None and torch.equal(known.predicted, answer(AFTER, PART).predicted[:200])
    # 7,400 multiplications for each of 300 samples are too many now.
    monkeypatch.setattr(refine, "FIRST_MACS", 7_400 * 100)
    look_first(BOTH, PART, 300, ledger)
    assert ledger.get("after") is known


def test_what_goes_wrong_is_raised_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> tuple[Tensor, Tensor]:
        raise MemoryError("too large")

    monkeypatch.setattr(refine, "answer", broken)
    refinement = Refinement(BOTH, PART, 200, Ledger(8))
    refinement.wait(30, over=True)
    with pytest.raises(MemoryError, match="too large"):
        _ = refinement.answers


def test_a_ledger_keeps_the_longer_answers_of_the_last_networks() -> None:
    ledger, some = Ledger(2), answer(BEFORE, PART)
    ledger.put("a", some)
    ledger.put("a", some.head(10))
    assert ledger.get("a") is some
    ledger.put("b", some)
    ledger.put("a", some)
    ledger.put("c", some)
    assert ledger.get("b") is None and ledger.get("a") is some and ledger.get("c") is some


def test_the_first_result_stands_on_fewer_samples_the_more_work_each_one_is() -> None:
    counts = [first_samples(macs, 5000) for macs in (400_000, 29_000_000, 10**9, 10**12)]
    assert counts == [1000, 200, 8, 8]
    assert first_samples(7_400, 360) == 360 and first_samples(7_400, 0) == 0
