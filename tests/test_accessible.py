"""Every page in a real browser: axe-core finds nothing serious, and nothing is left in English."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from pages.shared.lessons.pruning import HAN
from tests.browser import wait_until_at_rest
from tests.look import page_names

pytestmark = pytest.mark.browser
SERIOUS = ("serious", "critical")
OFTEN = ("choose", "explore", "recover", "export")
"""Pages of the main job; the others are slow."""
OF_STREAMLIT = '[data-testid="stSliderThumbValue"], [data-selected="true"]'
"""
Where contrast is Streamlit's: it writes a slider's value and a chosen segment in primaryColor on
the background, and a primary button's label in white on primaryColor. In the dark theme no colour
reaches 4.5 to 1 both ways, so the label does, and these reach 3.6.
"""
SENTENCE = re.compile(r"(?:\b[A-Za-z][a-z']+[ ,]+){3,}[a-z']+")
"""Four words in a row; names have fewer."""


def violations(page: Page) -> list[str]:
    """Return rule and element of what axe-core calls serious."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} {path}"
        for rule in found
        if rule["impact"] in SERIOUS
        for path in (node["target"][0] for node in rule["nodes"])
        if not (rule["id"] == "color-contrast" and _of_streamlit(page, path))
    ]


def _of_streamlit(page: Page, path: str) -> bool:
    # The path that axe gives is as short as it can be, and may leave the telling part out.
    return bool(page.locator(path).evaluate("(e, of) => e.closest(of) !== null", OF_STREAMLIT))


def lasting(page: Page) -> list[str]:
    """Return what is still found after a while: colours fade in, and what is measured anew dims."""
    for _ in range(5):
        if not (found := violations(page)):
            break
        page.wait_for_timeout(1_000)
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in OFTEN else pytest.mark.slow) for n in page_names()]
)
def test_a_page_in_chinese_light_and_dark(app: str, page: Page, name: str) -> None:
    setting = "" if name == page_names()[0] else "&model=digits.simple-nn&bits=4&share=50"
    page.goto(f"{app}/{name if setting else ''}?lang=zh{setting}")
    assert wait_until_at_rest(page, 180)
    assert page.get_by_role("button", name="English").is_visible()
    said = page.locator('[data-testid="stMain"]').inner_text()
    assert re.search("[一-鿿]{4}", said)
    samples = "\n".join(page.locator("blockquote").all_inner_texts())
    left = {line for line in said.splitlines() if HAN.source not in line}
    left -= set(samples.splitlines())
    assert [line for line in left if SENTENCE.search(line)] == []
    assert lasting(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        " === 'rgb(19, 21, 24)'"
    )
    assert lasting(page) == []


def test_the_language_is_switched_and_stays(app: str, page: Page) -> None:
    """Kept in the address and from page to page; the setting stays as it was."""
    page.goto(f"{app}/explore?model=digits.simple-nn&share=50&bits=4")
    assert wait_until_at_rest(page, 180)
    assert page.get_by_role("button", name="Win it back").is_visible()
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="找回精度").wait_for()
    assert wait_until_at_rest(page, 180)
    assert page.url.endswith("/explore?model=digits.simple-nn&share=50&bits=4&lang=zh")
    page.get_by_role("button", name="找回精度").click()
    page.wait_for_url("**/recover?*lang=zh")
    assert wait_until_at_rest(page, 180)
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="中文").wait_for()
    assert wait_until_at_rest(page, 180)
    assert page.url.endswith("/recover?model=digits.simple-nn&share=50&bits=4&lang=en")
