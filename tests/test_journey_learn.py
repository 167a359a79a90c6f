"""Learn in a real browser: a weight is dragged without the server, and a setting is one click."""

import pytest
from playwright.sync_api import Page

from tests.browser import wait_until_at_rest

pytestmark = pytest.mark.browser


def test_a_weight_is_dragged_and_the_setting_opens(app: str, page: Page) -> None:
    page.goto(f"{app}/learn?concept=rounding&model=digits.simple-nn")
    assert wait_until_at_rest(page, 180)
    picture = page.get_by_test_id("stVegaLiteChart")
    box = picture.bounding_box()
    assert box is not None
    before = picture.screenshot()
    page.route("**/_stcore/**", lambda route: route.abort())  # nothing more from the server
    across = box["y"] + 60
    page.mouse.move(box["x"] + 0.5 * box["width"], across)
    page.mouse.down()
    for step in range(5):
        page.mouse.move(box["x"] + (0.5 - 0.05 * step) * box["width"], across)
    page.mouse.up()
    page.mouse.move(box["x"] + 5, box["y"] - 40)
    page.wait_for_timeout(300)
    assert picture.screenshot() != before
    page.unroute("**/_stcore/**")
    page.get_by_role("button", name="Show me").click()
    page.wait_for_url("**/explore?*")
    assert wait_until_at_rest(page, 180)
    assert "model=fashion-mnist.lenet-5" in page.url
    assert "values=codebook" in page.url
    assert page.get_by_role("heading", name="LeNet-5").is_visible()
