"""The whole line on one network of each domain: choose, round, win back, take along, try."""

import re

import pytest
from playwright.sync_api import Page, expect

from compress_core.catalogue import BUILT_IN
from pages.shared import words
from tests.test_journey import PATIENCE, figure, keep_at_rest, move, slider, until

pytestmark = pytest.mark.browser
SEEN = ("digits", "fashion-mnist")
"""Walked through by other journeys."""
LARGE = "photos"
"""A network of 385 million multiplications; nobody labelled the photos."""
OFTEN = ("reviews", "lander")
"""Words, and a game: the least like what other journeys walk through. The rest are slow."""
FIRST = {name.split("/")[0]: name for name in reversed(BUILT_IN)}
"""Data set -> the first network on it."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(FIRST[data], marks=() if data in OFTEN else pytest.mark.slow)
        for data in FIRST
        if data not in SEEN
    ],
)
def test_the_line_on_every_domain(app: str, page: Page, name: str) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.goto(app)
    keep_at_rest(page)
    card = page.locator(f".st-key-choose-card-{name.replace('/', '-')}")
    expect(card.get_by_role("heading", name=words.network(name))).to_be_visible()
    card.get_by_role("button", name="Try on").click()
    page.wait_for_url("**/explore**")
    keep_at_rest(page)

    told = "Agreement" if name == FIRST[LARGE] else "Accuracy"
    size = figure(page, "Packed size")
    move(slider(page, "Weights in"), "ArrowLeft", 2)
    until(page, lambda: figure(page, "Packed size") != size)
    keep_at_rest(page)
    assert re.match(r"\d", figure(page, told))

    page.get_by_role("button", name="Win it back").click()
    page.wait_for_url("**/recover**")
    keep_at_rest(page)
    move(slider(page, "Epochs"), "Home", 1)
    if page.get_by_role("radio", name="1,000").count():
        page.get_by_role("radio", name="1,000").click()
    keep_at_rest(page)
    page.get_by_role("button", name="Win it back").click()
    page.get_by_role("button", name="Compare runs").wait_for()
    keep_at_rest(page)
    accuracy = figure(page, told)

    page.get_by_role("button", name="Take it with me").click()
    page.wait_for_url("**/export**")
    keep_at_rest(page)
    assert figure(page, told) == accuracy
    page.locator(".st-key-export-fit").get_by_role("button", name="Make this file").click()
    page.get_by_role("button", name=re.compile(r"^Save .*\.fit")).wait_for()
    keep_at_rest(page)

    page.goto(page.url.replace("/export", "/try"))
    keep_at_rest(page)
    expect(page.get_by_role("heading", name=words.question(name))).to_be_visible()
    if page.get_by_role("radio", name="Sample").count():
        page.get_by_role("radio", name="Sample").click()
    expect(page.get_by_role("heading", name=re.compile("^(Both say|They differ)"))).to_be_visible()
