import json
from collections.abc import Iterator

import pandas as pd
import pytest
from playwright.sync_api import Page
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from compress_core import sensitivity
from compress_core.runs import Store
from compress_core.sensitivity import load_map
from pages.shared import maps
from pages.shared.choice import Override
from pages.shared.foresight import _said_of
from pages.shared.layers import with_signs
from pages.shared.sensitivity import finding
from tests import stage
from tests.browser import ROOT, wait_until_at_rest

PAGE = str(ROOT / "pages" / "2_explore.py")
OPEN = "explore.map"


def opened(**values: object) -> AppTest:
    """The page with SimpleNN on and the map unfolded."""
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["model"] = "digits.simple-nn"
    for name, value in values.items():
        at.query_params[name] = str(value)
    at.session_state[OPEN] = True
    at.run()
    assert not at.exception
    return at


@pytest.fixture
def without_maps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """As if no map were shipped."""
    monkeypatch.setattr(sensitivity, "load_map", lambda *_: None)
    maps._shipped.clear()
    with stage.idle_store(monkeypatch) as store:
        yield store
    maps._shipped.clear()


def test_the_finding_names_who_minds_most_and_is_the_picture_in_words() -> None:
    known = load_map("digits/simple-nn", 0)
    assert known is not None
    said = finding(known, "sparsity")
    assert said.startswith("fc2 minds most: with 70 % of its weights removed")
    assert said in [chart.alt for chart in stage.charts(opened())]


def test_a_closed_map_is_not_drawn() -> None:
    at = AppTest.from_file(PAGE, default_timeout=60)
    at.query_params["model"] = "digits.simple-nn"
    at.run()
    assert not any("minds most" in chart.alt for chart in stage.charts(at))


def test_a_layer_of_its_own_is_framed_and_every_number_is_written() -> None:
    at = opened(layers="fc1~90~")
    (chart,) = (c for c in stage.charts(at) if "minds most" in c.alt)
    known = load_map("digits/simple-nn", 0)
    assert known is not None
    data = chart.datasets[0].data if chart.datasets else chart.data
    rows = convert_arrow_bytes_to_pandas_df(data.data).to_dict("records")
    assert [(row["name"], row["column"]) for row in rows if row["chosen"]] == [("fc1", "90 %")]
    lost = known.original.accuracy - known.by_key["fc1", "sparsity", 0.9].harm.accuracy
    assert {row["text"] for row in rows if row["chosen"]} == {f"−{100 * lost:.1f}"}
    assert {row["name"] for row in rows} == {"fc1", "fc2", "all together"}


def test_the_row_of_all_together_moves_the_sliders() -> None:
    def script() -> None:
        import streamlit as st

        from pages.shared import sensitivity, state

        if "done" not in st.session_state:
            st.session_state.done = True
            sensitivity.take("sparsity", "*", 0.98)
            sensitivity.take("weight_bits", "*", 3.0)
            sensitivity.take("weight_bits", "fc2", 5.0)
            sensitivity.take("sparsity", "fc2", 0.7)
            sensitivity.take("activation_bits", "fc2", 4.0)
        choice = state.choice()
        st.json([choice.share, choice.weight_bits, str(choice.overrides)])

    at = AppTest.from_function(script).run()
    assert not at.exception
    own = str((Override(layer="fc2", share=70, bits=5, activation_bits=4),))
    assert json.loads(at.json[0].value) == [98, 3, own]


def test_a_layer_may_have_activation_bits_of_its_own() -> None:
    at = opened(layers="fc1~~.4")
    at.button_group(key="explore.map.kind").set_value("activation_bits").run()
    assert not at.exception
    assert "activations in" in stage.words(at)
    assert "Click a cell" in stage.words(at)
    assert list(at.dataframe[-1].value["own_activation_bits"].fillna(0)) == [4, 0]
    (chart,) = (c for c in stage.charts(at) if "minds most" in c.alt)
    data = chart.datasets[0].data if chart.datasets else chart.data
    rows = convert_arrow_bytes_to_pandas_df(data.data).to_dict("records")
    assert [(row["name"], row["column"]) for row in rows if row["chosen"]] == [("fc1", "4 bit")]


def test_what_was_expected_stands_beside_what_is_measured() -> None:
    said = stage.words(opened(share=60, bits=4))
    assert "Expected from the layers: ≈" in said
    assert "Expected from the layers" not in stage.words(opened(remove="channel", share=30))


def test_the_record_is_told_from_two_measurements_on() -> None:
    assert _said_of([0.01]) == ""
    assert _said_of([0.004, -0.009]) == "Within 0.900 points on your last 2 measurements."


def test_the_table_says_what_each_layer_loses_alone() -> None:
    at = opened(share=90, bits=32, activations=32)
    known = load_map("digits/simple-nn", 0)
    assert known is not None
    table = at.dataframe[-1].value
    lost = known.original.accuracy - known.by_key["fc2", "sparsity", 0.9].harm.accuracy
    assert list(table["layer"]) == ["fc1", "fc2"]
    assert table["loses_alone"][1] == pytest.approx(-100 * lost, abs=0.1)


def test_what_is_lost_has_a_minus_and_no_hyphen() -> None:
    shown = with_signs(pd.DataFrame({"loses_alone": [-1.25, 0.0, 0.3, None]})).to_string()
    assert "≈ −1.2 pt" in shown and "≈ 0.0 pt" in shown and "≈ 0.3 pt" in shown
    assert "-" not in shown and "nan" not in shown


def test_the_page_draws_it_so() -> None:
    styler = opened(share=90, bits=32, activations=32).dataframe[-1].proto.arrow_data.styler
    assert "≈ −".encode() in styler.display_values


def test_a_network_without_a_map_offers_to_measure_one(without_maps: Store) -> None:
    at = opened()
    assert "Nobody has measured yet" in stage.words(at)
    assert "Expected from the layers" not in stage.words(at)
    at.button(key="explore.map.start").click().run()
    assert not at.exception
    (run,) = without_maps.list(task="sensitivity")
    assert (run.scenario, run.seed, run.state) == ("digits/simple-nn", 0, "queued")
    at.button(key="explore.map.stop").click().run()
    assert without_maps.get(run.id).state == "cancelled"


def test_a_click_on_a_cell_gives_that_layer_this_setting(app: str, page: Page) -> None:
    page.goto(f"{app}/explore?model=digits.simple-nn")
    wait_until_at_rest(page)
    page.get_by_text("Which layer minds most?").click()
    wait_until_at_rest(page)
    panel = page.get_by_test_id("stExpander").filter(has_text="Which layer minds most?")
    chart = panel.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    # The last column, the last row but one: fc2 without 98 % of its weights.
    page.mouse.click(box["x"] + 0.95 * box["width"], box["y"] + 0.55 * box["height"])
    page.wait_for_url("**layers=fc2~98~*")
