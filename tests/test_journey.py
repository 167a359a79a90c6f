"""The whole main job in a real browser: choose, compress, win back, come back, stop, compare."""

import re
from collections.abc import Callable
from time import monotonic

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import wait_until_at_rest

pytestmark = pytest.mark.browser
PATIENCE = 180_000
"""Milliseconds; a busy machine is no failure."""


def keep_at_rest(page: Page) -> None:
    assert wait_until_at_rest(page, PATIENCE / 1000)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def figure(page: Page, label: str) -> str:
    """Return what the tag says."""
    tag = page.locator(".st-key-tag")
    metric = tag.get_by_test_id("stMetric").filter(has_text=label)
    return metric.get_by_test_id("stMetricValue").inner_text()


def move(slider: Locator, key: str, times: int) -> None:
    slider.focus()
    for _ in range(times):
        slider.press(key)


def until(page: Page, true: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE / 1000
    while not true():
        assert monotonic() < deadline, "It did not happen in time."
        page.wait_for_timeout(100)


def slider(page: Page, label: str) -> Locator:
    return page.get_by_role("slider", name=re.compile(f"^{label}"))


def points(page: Page) -> Locator:
    """The points of the accuracy curve and of the loss on validation."""
    return page.locator('[data-testid="stVegaLiteChart"] .mark-symbol.role-mark path')


def test_the_main_job_from_end_to_end(app: str, page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)

    # Choose LeNet-5 on Fashion-MNIST.
    page.goto(app)
    keep_at_rest(page)
    card = page.locator('[class*="st-key-choose-card"]').filter(has_text="LeNet-5")
    card.get_by_role("button", name="Try on").click()
    page.wait_for_url("**/explore**")
    keep_at_rest(page)
    size, accuracy = figure(page, "Packed size"), figure(page, "Accuracy")

    # Threshold and bits: the numbers change.
    page.get_by_role("radio", name="Size").click()
    move(slider(page, "Remove weights smaller than"), "ArrowRight", 6)
    until(page, lambda: figure(page, "Packed size") != size)
    keep_at_rest(page)
    size = figure(page, "Packed size")
    move(slider(page, "Weights in"), "ArrowLeft", 2)
    until(page, lambda: figure(page, "Packed size") != size)
    keep_at_rest(page)
    assert figure(page, "Accuracy") != accuracy

    # Fine-tune one epoch on a subset: a curve appears.
    page.get_by_role("button", name="Win it back").click()
    page.wait_for_url("**/recover**")
    keep_at_rest(page)
    move(slider(page, "Epochs"), "Home", 1)
    page.get_by_role("radio", name="1,000").click()
    keep_at_rest(page)
    page.get_by_role("button", name="Win it back").click()
    page.get_by_role("button", name="Compare runs").wait_for()
    keep_at_rest(page)
    assert "run=" in page.url
    assert points(page).count() == 5  # two epochs of accuracy and of loss, and a ring

    # Reload: it is still there, with the settings it was made with.
    before = figure(page, "Packed size"), figure(page, "Accuracy")
    page.reload()
    page.get_by_role("button", name="Compare runs").wait_for()
    keep_at_rest(page)
    assert (figure(page, "Packed size"), figure(page, "Accuracy")) == before
    expect(slider(page, "Epochs")).to_have_attribute("aria-valuetext", "1")

    # Start another and stop it: what it had is kept.
    move(slider(page, "Epochs"), "End", 1)
    page.get_by_role("radio", name="All").click()
    keep_at_rest(page)
    page.get_by_role("button", name="Train once more").click()
    page.get_by_text(re.compile(r"left · step")).wait_for()
    page.get_by_role("button", name="Stop and keep the best").click()
    page.get_by_text(re.compile(r"Stopped at step .* was kept")).wait_for()

    # Compare has both.
    page.get_by_role("button", name="Compare runs").click()
    page.wait_for_url("**/compare**")
    keep_at_rest(page)
    expect(page.get_by_role("button", name=re.compile(r"^Open run \d+$"))).to_be_visible()
    assert points(page).count() == 3  # the original and two runs


def test_a_second_tab_shows_the_same_run(app: str, page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    address = f"{app}/recover?model=digits.simple-nn&share=70&bits=4&epochs=50&rate=0.0003"
    page.goto(address)
    keep_at_rest(page)
    page.get_by_role("button", name="Win it back").click()
    page.wait_for_url("**run=*")
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(address)
    other.wait_for_url("**run=*")

    assert other.url == page.url
    for tab in (page, other):
        tab.get_by_role("button", name="Compare runs").wait_for()
