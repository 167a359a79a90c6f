from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from compress_core.recipe import Factorize, Finetune, Prune, Quantize, Recipe
from compress_core.runs import Store
from pages.shared import run_rows, run_words
from pages.shared.compare import ALL
from tests import stage
from tests.browser import ROOT

PAGE = str(ROOT / "pages" / "6_compare.py")
LENET = "fashion-mnist/lenet-5"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with stage.idle_store(monkeypatch) as store:
        yield store


def opened(**query: str) -> AppTest:
    return stage.open_page(PAGE, **query)


def test_without_runs_it_says_what_to_do() -> None:
    at = opened()

    assert at.title[0].value == "No runs yet"
    assert at.button("compare.begin").label == "Go to Explore"


def test_every_run_is_a_row_and_those_with_a_result_are_points(store: Store) -> None:
    stage.ended(store)
    stage.ended(store, cancelled=True)
    stage.failed(store, kept=False)
    at = opened()
    table, (chart,) = at.dataframe[0].value, stage.charts(at)

    assert list(table["Run"]) == [3, 2, 1]
    assert list(table["State"]) == ["Failed", "Stopped early", "Finished"]
    assert table["Packed"].count() == 2
    assert "comes closest" in chart.alt
    assert at.button("compare.open").label == "Open run 2"


def test_networks_are_not_mixed_unless_asked(store: Store) -> None:
    stage.ended(store)
    stage.ended(store, name=LENET)
    at = opened(model="digits.simple-nn")
    assert list(at.dataframe[0].value["Run"]) == [1]

    at.session_state["compare.network"] = ALL
    at.run()
    assert list(at.dataframe[0].value["Network"]) == ["LeNet-5", "SimpleNN"]


def test_a_run_is_deleted_only_when_confirmed(store: Store) -> None:
    stage.ended(store)
    newest = stage.ended(store)
    at = opened()
    assert len(store.list()) == 2

    at.button("compare.delete.sure").click().run()
    assert not at.exception
    assert newest.id not in [run.id for run in store.list()]
    assert list(at.dataframe[0].value["Run"]) == [1]


def test_the_last_run_can_be_deleted(store: Store) -> None:
    stage.ended(store)
    at = opened()
    at.button("compare.delete.sure").click().run()

    assert not at.exception
    assert at.title[0].value == "No runs yet"


def test_active_runs_are_rows_without_numbers(store: Store) -> None:
    stage.begun(store)
    store.create(stage.NAME, 0, stage.RECIPE)
    at = opened()

    assert list(at.dataframe[0].value["State"]) == ["Waiting", "At work"]
    assert "No run has come to an end yet" in stage.words(at)


def test_the_smallest_run_that_loses_little_is_named(store: Store) -> None:
    stage.ended(store)
    (row,) = run_rows.rows_of(store.list())

    assert run_rows.takeaway([row]) == (
        "No run stays within 1 point of its original; "
        "Run 1 comes closest: 3.50 kB (8.58×) at 95.0 %."
    )


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ((), "nothing changed"),
        ((Prune(sparsity=0.3),), "30 % of weights removed"),
        ((Prune(threshold=0.04),), "weights below 0.04 removed"),
        ((Prune(sparsity=0.5, granularity="channel"),), "50 % of channels removed"),
        ((Prune(n_of_m="2:4", granularity="n:m"),), "2:4 of the weights kept"),
        ((Factorize(rank=0.5),), "rank 50 %"),
        ((Quantize(weight_bits=4, activation_bits=8),), "weights 4 bit · activations 8 bit"),
        ((Quantize(weight_bits=4, layers="fc1"),), "fc1: weights 4 bit"),
        (
            tuple(Quantize(weight_bits=4, layers=f"fc{n}") for n in range(3)),
            "3 layers differ",
        ),
    ],
)
def test_a_recipe_is_told_in_a_line(steps: tuple, text: str) -> None:
    assert run_words.recipe(Recipe(steps=steps)) == text


def test_fine_tuning_belongs_to_the_recipe() -> None:
    assert run_words.recipe(Recipe(finetune=Finetune(epochs=1))) == "1 epoch"
