from streamlit.testing.v1 import AppTest

from tests.browser import ROOT
from tests.stage import open_page

PAGE = str(ROOT / "pages" / "2_explore.py")


def share(at: AppTest) -> int:
    return int(at.slider(key="choice.share").value)  # type: ignore[arg-type]


def test_settings_are_taken_back_and_done_again() -> None:
    at = open_page(PAGE, model="digits.simple-nn", share="20")
    assert at.button(key="explore.undo").disabled and at.button(key="explore.redo").disabled
    at.slider(key="choice.share").set_value(60).run()
    at.button(key="explore.preset.bold").click().run()
    at.button(key="explore.undo").click().run()
    assert (share(at), at.query_params["share"]) == (60, "60")
    at.button(key="explore.undo").click().run()
    assert share(at) == 20 and at.button(key="explore.undo").disabled
    at.button(key="explore.redo").click().run()
    assert share(at) == 60
    at.slider(key="choice.share").set_value(70).run()
    assert at.button(key="explore.redo").disabled


def test_reset_and_surprise_can_be_undone() -> None:
    at = open_page(PAGE, model="digits.simple-nn", share="20", layers="fc1~20~")
    at.button(key="explore.reset").click().run()
    assert share(at) == 30 and at.session_state["choice.overrides"] == ()
    before = dict(at.query_params)
    at.button(key="explore.surprise").click().run()
    assert not at.exception and at.query_params != before
    at.button(key="explore.undo").click().run()
    assert at.query_params == before
    at.button(key="explore.undo").click().run()
    assert share(at) == 20 and at.session_state["choice.overrides"][0].layer == "fc1"
