"""The main job without a mouse: every control is reached with Tab and moved with keys."""

import re

import pytest
from playwright.sync_api import Locator, Page

from tests.test_journey import PATIENCE, figure, keep_at_rest, slider, until

pytestmark = pytest.mark.browser
STEPS = 150
"""More stops than any page has."""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until *wanted* has the focus."""
    wanted.first.wait_for()
    for _ in range(STEPS):
        page.keyboard.press("Tab")
        if wanted.first.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach {wanted}.")


def press(page: Page, name: str | re.Pattern[str], address: str) -> None:
    """Go to a button, press it, and wait for the page that it opens."""
    tab_to(page, page.get_by_role("button", name=name))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{address}**")
    keep_at_rest(page)


def test_the_main_job_by_keyboard(app: str, page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    page.goto(app)
    keep_at_rest(page)
    tab_to(
        page,
        page.locator(".st-key-choose-card-digits-simple-nn").get_by_role("button", name="Try on"),
    )
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore**")
    keep_at_rest(page)

    size = figure(page, "Packed size")
    tab_to(page, slider(page, "Weights in"))
    page.keyboard.press("ArrowLeft")
    until(page, lambda: figure(page, "Packed size") != size)
    keep_at_rest(page)

    press(page, "Win it back", "recover")
    tab_to(page, slider(page, "Epochs"))
    page.keyboard.press("Home")
    keep_at_rest(page)
    tab_to(page, page.get_by_role("button", name="Win it back"))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Compare runs").wait_for()
    keep_at_rest(page)

    press(page, "Take it with me", "export")
    tab_to(page, page.locator(".st-key-export-fit").get_by_role("button", name="Make this file"))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save simple-nn.fit").wait_for()
    keep_at_rest(page)
    tab_to(page, page.get_by_role("button", name="Save simple-nn.fit"))
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename.endswith(".zip")
