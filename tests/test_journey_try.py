"""Somebody draws with the mouse, with the keyboard and with a finger, and sees two answers."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import wait_until_at_rest

pytestmark = pytest.mark.browser
SEVEN = ((0.25, 0.2), (0.75, 0.2), (0.45, 0.85))


def paper(page: Page) -> Locator:
    return page.get_by_role("application", name="Paper to draw on")


def answer(page: Page) -> Locator:
    return page.get_by_role("heading", name=re.compile("^(Both say|They differ)"))


def places(page: Page) -> list[tuple[float, float]]:
    paper(page).scroll_into_view_if_needed()
    box = paper(page).bounding_box()
    assert box is not None
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]


def test_a_drawing_gets_two_answers(app: str, page: Page) -> None:
    page.goto(f"{app}/try?model=digits.simple-nn&bits=6")
    assert wait_until_at_rest(page, 120)
    expect(page.get_by_role("heading", name="No question yet")).to_be_visible()

    start, *rest = places(page)
    page.mouse.move(*start)
    page.mouse.down()
    for place in rest:
        page.mouse.move(*place, steps=5)
    page.mouse.up()
    expect(page.get_by_role("heading", name="Both say 7")).to_be_visible()
    assert wait_until_at_rest(page)
    for role in ("Original", "Compressed"):
        expect(page.get_by_label(re.compile(f"^{role}: 7 9"))).to_be_visible()

    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("heading", name="No question yet")).to_be_visible()
    paper(page).focus()
    for key in (*["ArrowUp"] * 12, " ", *["ArrowDown"] * 24, " "):
        paper(page).press(key)
    expect(answer(page)).to_be_visible()

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="No question yet")).to_be_visible()
    browser = page.context.new_cdp_session(page)
    start, *rest = places(page)
    for kind, at in (("touchStart", start), *(("touchMove", each) for each in rest)):
        browser.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at[0], "y": at[1]}]}
        )
    browser.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(answer(page)).to_be_visible()
