"""Runs in every state for tests of pages, and an engine that begins none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compress_core.checkpoint import to_bytes
from compress_core.compress import compress
from compress_core.events import EpochEnd, Finished, Started, StepEnd
from compress_core.measured import proportion
from compress_core.owner import this_process
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.runs import Run, Store, Task, open_store
from compress_core.scenarios import load_scenario
from compress_core.worth import Worth

NAME = "digits/simple-nn"
RECIPE = Recipe(
    steps=(Prune(sparsity=0.6), Quantize(weight_bits=4, activation_bits=8)),
    finetune=Finetune(epochs=2, samples=1000),
)


class Idle:
    """Takes runs and begins none; like the engine, but it starts no process."""

    problem = None

    def __init__(self, store: Store) -> None:
        self.store = store

    def start(self, scenario: str, seed: int, recipe: Recipe, task: Task = "recipe") -> Run:
        return self.store.create(scenario, seed, recipe, task)


@contextmanager
def idle_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of this test's data folder, and pages whose engine is idle."""
    monkeypatch.setattr("compress_core.engine.Engine", Idle)
    store = open_store()
    yield store
    store.close()
    from pages.shared import jobs

    jobs.store().close()


def open_page(path: str, **query: str) -> AppTest:
    at = AppTest.from_file(path, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def charts(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("vega_lite_chart")]


def words(at: AppTest) -> str:
    """All that is written on a page."""
    parts = [*at.title, *at.subheader, *at.markdown, *at.caption, *at.error]
    return " ".join(str(part.value) for part in parts)


def begun(store: Store, recipe: Recipe = RECIPE, name: str = NAME) -> Run:
    """A run at work: one of its two epochs is through."""
    run = store.create(name, 0, recipe)
    store.claim(run.id, this_process())
    started = Started(
        steps=16, epochs=2, dtype="bfloat16", channels_last=False, reason="It can do that."
    )
    steps = [StepEnd(step=n, loss=1 / n, lr=0.001, seconds=0.002) for n in range(1, 9)]
    store.append(run.id, [started, epoch(0, 0.90), *steps, epoch(1, 0.95)])
    store.progress(run.id, 8, 16, 75.0)
    return store.get(run.id)


def ended(
    store: Store, *, cancelled: bool = False, recipe: Recipe = RECIPE, name: str = NAME
) -> Run:
    """A run that is over: 90 % before, 95 % after, the original has 98 %."""
    run = begun(store, recipe, name)
    finished = Finished(
        cancelled=cancelled, best_epoch=1, validation_accuracy=0.95, seconds=3.0,
        seconds_per_step=0.002, dtype="bfloat16", result=None,
    )  # fmt: skip
    store.append(run.id, [finished])
    outcome = {
        "original": {"validation": worth(353), "test": worth(350, "test")},
        "compressed": {"validation": worth(324)},
        "final": {"validation": worth(342), "test": worth(338, "test")},
        "training": None,
    }
    store.finish(run.id, outcome, cancelled=cancelled)
    return store.get(run.id)


def failed(store: Store, *, kept: bool) -> Run:
    run = begun(store)
    if kept:
        scenario = load_scenario(NAME)
        store.keep(run.id, to_bytes(compress(scenario.network, RECIPE, scenario.data)))
    store.fail(run.id, "The worker was ended.")
    return store.get(run.id)


def epoch(number: int, accuracy: float) -> EpochEnd:
    return EpochEnd(
        epoch=number,
        step=8 * number,
        loss=None,
        validation_loss=1 - accuracy,
        validation_accuracy=accuracy,
        best=True,
    )


def worth(right: int, part: Any = "validation") -> dict[str, Any]:
    return Worth(
        part=part,
        accuracy=proportion(right, 360),
        loss=0.1,
        per_class=(),
        fp32_bytes=30_040,
        theory_bytes=3_000,
        packed_bytes=3_500,
        parameters=7_510,
        nonzero=3_000,
        macs=7_400,
    ).to_dict()
