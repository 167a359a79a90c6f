"""Where a network looks for one class, its two rates stand beside the accuracy, on every page."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compress_core.measured import proportion
from compress_core.runs import Store
from compress_core.worth import Worth
from pages.shared import export_words, rates
from tests import stage
from tests.browser import ROOT

NAME, ADDRESS = "breast-cancer/mlp", "breast-cancer.mlp"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with stage.idle_store(monkeypatch) as store:
        yield store


def opened(page: str, **query: str) -> AppTest:
    return stage.open_page(str(ROOT / "pages" / f"{page}.py"), **query)


def beginnings(at: AppTest) -> list[str]:
    """Return how the lines of all tables begin."""
    return [str(line) for table in at.table for line in table.value.iloc[:, 0]]


def test_they_are_said_with_what_they_were_counted_on() -> None:
    sensitivity, specificity = rates.figures(NAME, (proportion(62, 63), proportion(105, 107)))
    assert (sensitivity.line, specificity.line) == (
        "Sensitivity, 63 malignant",
        "Specificity, 107 benign",
    )
    assert rates.figures("digits/simple-nn", (proportion(1, 2),) * 10) == []


def test_the_card_shows_them_on_test() -> None:
    at = opened("1_choose")
    lines = beginnings(at)
    assert lines.count("Sensitivity, 63 malignant") == lines.count("Specificity, 107 benign") == 1
    assert "No medical device" in stage.words(at)


def test_before_and_after_show_them_on_validation() -> None:
    at = opened("2_explore", model=ADDRESS, bits="3")
    assert {"Sensitivity, 42 malignant", "Specificity, 71 benign"} <= set(beginnings(at))
    assert "No medical device" in stage.words(at)


def test_a_run_shows_them_on_test(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def worth(right: int, part: Any = "validation") -> dict[str, Any]:
        known = Worth.from_dict(plain(right, part))
        return replace(known, per_class=(proportion(60, 63), proportion(100, 107))).to_dict()

    plain = stage.worth
    monkeypatch.setattr(stage, "worth", worth)
    run = stage.ended(store, name=NAME)
    at = opened("3_recover", model=ADDRESS, run=run.id)
    assert {"Sensitivity, 63 malignant", "Specificity, 107 benign"} <= set(beginnings(at))
    assert "No medical device" in stage.words(at)


def test_the_certificate_shows_those_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_words, "RECOMMENDED", ("fit",))
    at = opened("7_export", model=ADDRESS, bits="8")
    at.button("export.first").click().run()
    assert not at.exception
    figures = {metric.label: metric.value for metric in at.metric}
    assert figures["Sensitivity"].startswith("98.4 %")
    assert figures["Specificity"].startswith("98.1 %")
    assert "No medical device" in stage.words(at)


def test_other_networks_are_shown_as_before() -> None:
    at = opened("2_explore", model="digits.simple-nn")
    assert not any(line.startswith("Sensitivity") for line in beginnings(at))
    assert "medical" not in stage.words(at)
