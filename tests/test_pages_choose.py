from streamlit.testing.v1 import AppTest

from compress_core import catalogue
from pages.shared.words import DOMAINS, domain, network
from tests.browser import ROOT

PAGE = str(ROOT / "pages" / "1_choose.py")


def opened(path: str = PAGE) -> AppTest:
    at = AppTest.from_file(path, default_timeout=30).run()
    assert not at.exception
    return at


def test_every_trained_network_has_a_card() -> None:
    at = opened()
    titles = [heading.value for heading in at.subheader]
    assert titles == [*(network(name) for name in catalogue.names()), "Your own"]
    assert len(at.table) >= len(titles) - 1


def test_every_data_set_belongs_to_a_domain() -> None:
    assert {domain(name) for name in catalogue.names()} <= set(DOMAINS)


def test_the_cards_are_narrowed_down_to_a_domain() -> None:
    at = opened()
    at.button_group(key="choose.domain").set_value("games").run()
    assert [heading.value for heading in at.subheader] == ["MLP"]
    at.button_group(key="choose.domain").set_value("own").run()
    assert [heading.value for heading in at.subheader] == ["Your own"]


def test_one_primary_action() -> None:
    primary = [button for button in opened().button if button.proto.type == "primary"]
    assert [button.key for button in primary] == ["choose.try.fashion-mnist/lenet-5"]


def test_trying_on_remembers_network_and_copy() -> None:
    at = opened(str(ROOT / "app.py"))
    at.button_group(key="choose.copy.digits/simple-nn").set_value(2).run()
    at.button(key="choose.try.digits/simple-nn").click().run(timeout=60)
    assert at.session_state["choice.scenario"] == "digits/simple-nn"
    assert at.session_state["choice.seed"] == 2


def test_the_app_opens_on_this_page() -> None:
    at = opened(str(ROOT / "app.py"))
    assert at.title[0].value == "What do you want to shrink?"
