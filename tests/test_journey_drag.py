"""The handles on the histogram in a real browser: mouse, keyboard, finger, and the sliders."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from pages.shared import words
from tests.browser import ROOT, wait_until_at_rest

pytestmark = pytest.mark.browser
ADDRESS = "/explore?model=digits.simple-nn&bits=4"


def opened(app: str, page: Page, query: str = "") -> Page:
    page.goto(f"{app}{ADDRESS}{query}")
    assert wait_until_at_rest(page, 120)
    return page


def handle(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def text(page: Page, part: str) -> str:
    return page.locator(f".stBidiComponent .{part}").inner_text()


def messages(page: Page) -> list[Any]:
    """Return a list to which all that the page sends to the server is added."""
    sent: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda it: sent.append(it)))
    return sent


def grab(page: Page, at: Locator) -> tuple[float, float]:
    box = at.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


def test_only_letting_go_tells_the_server_and_the_slider_is_the_same_value(
    app: str, page: Page
) -> None:
    sent = messages(page)
    opened(app, page)
    line = handle(page, "Line on the picture")
    expect(line).to_have_attribute("aria-valuetext", re.compile("^30.0 % of the weights are gone"))
    before, quiet = text(page, "sentence"), len(sent)
    assert before.startswith("30.0 %") and "≈" not in text(page, "size")

    x, y = grab(page, line)
    for step in range(1, 11):
        page.mouse.move(x + 15 * step, y)
    expect(page.locator(".sentence")).not_to_have_text(before)
    assert text(page, "size").startswith("≈") and "estimated" in text(page, "badge")
    share = int(line.get_attribute("aria-valuenow") or "")
    assert share > 30 and text(page, "sentence").startswith(f"{share}.0 %")
    assert len(sent) == quiet

    page.mouse.up()
    page.wait_for_url(f"**share={share}**")
    assert wait_until_at_rest(page)
    slider = page.get_by_role("slider", name=re.compile("^Share of weights"))
    expect(slider).to_have_attribute("aria-valuetext", f"{share} %")
    assert "≈" not in text(page, "size") and text(page, "badge") == "measured"

    slider.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", str(share + 1))
    assert wait_until_at_rest(page)
    assert text(page, "sentence").startswith(f"{share + 1}.0 %")


def test_keys_move_both_handles(app: str, page: Page) -> None:
    opened(app, page, "&by=threshold&below=0.04")
    line, bits = handle(page, "Line on the picture"), handle(page, "Bits on the picture")
    for key, value in (("ArrowRight", "0.042"), ("PageUp", "0.062"), ("End", "0.5"), ("Home", "0")):
        line.press(key)
        expect(line).to_have_attribute("aria-valuenow", value)
    line.press("ArrowUp")
    page.wait_for_url("**below=0.002**")
    assert wait_until_at_rest(page)

    bits.press("ArrowRight")
    expect(bits).to_have_attribute("aria-valuetext", "5 bit")
    page.wait_for_url("**bits=5**")
    assert wait_until_at_rest(page)
    bits.press("End")
    expect(bits).to_have_attribute("aria-valuetext", "not rounded")
    page.wait_for_url("**bits=32**")


def test_bits_snap_the_allowed_values(app: str, page: Page) -> None:
    opened(app, page, "&scale=per_tensor")
    lines = page.locator(".stBidiComponent path.values")
    assert len(re.findall("M", lines.get_attribute("d") or "")) >= 7
    notch = page.locator(".stop", has_text=re.compile("^2$"))
    grab(page, notch)
    expect(page.locator(".sentence")).to_contain_text("nearest of 3 values")
    assert 1 <= len(re.findall("M", lines.get_attribute("d") or "")) <= 3
    page.mouse.up()
    page.wait_for_url("**bits=2**")


def test_a_finger_drags_and_a_scroll_changes_nothing(app: str, page: Page) -> None:
    opened(app, page)
    line = handle(page, "Line on the picture")
    box = line.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    browser = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": at[0], "y": at[1]} for at in points]
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x + 20 * step, y))
    moved = line.get_attribute("aria-valuenow")
    touch("touchCancel")
    expect(line).to_have_attribute("aria-valuenow", "30")
    assert moved != "30"

    touch("touchStart", (x, y))
    touch("touchMove", (x + 60, y))
    touch("touchEnd")
    page.wait_for_url("**share=**")


def test_what_is_computed_anew_does_not_fade(app: str, page: Page) -> None:
    opened(app, page).evaluate(
        """() => {
          window.fades = [];
          new MutationObserver((changes) => changes
            .filter((change) => change.target.dataset.stale === "true")
            .forEach((change) => fades.push(getComputedStyle(change.target).transitionDuration))
          ).observe(document, { attributes: true, attributeFilter: ["data-stale"], subtree: true });
        }"""
    )
    handle(page, "Line on the picture").press("ArrowRight")
    page.wait_for_url("**share=**")
    assert wait_until_at_rest(page, 120)
    fades = page.evaluate("() => window.fades")
    assert fades and set(fades) == {"0s"}
    expanders = page.get_by_test_id("stExpander").locator("details, summary")
    seen = expanders.evaluate_all("all => all.map((e) => getComputedStyle(e).transitionProperty)")
    assert seen and set(seen) == {"none"}


def test_a_picture_without_handles_says_why(app: str, page: Page) -> None:
    opened(app, page, "&remove=channel")
    expect(handle(page, "Line on the picture")).to_have_count(0)
    assert text(page, "off").startswith("Whole channels go")
    picture = page.locator(".stBidiComponent").get_by_role("img")
    expect(picture).to_have_accessible_name(re.compile("went with their channels"))


NUMBERS = [0, 0.04, 0.0123456, 0.0999951, 0.9996, 1, 9.999, 12.5, 999.4, 999.6, 1e3, 14_149]
BYTES = [0, 812, 999.6, 1_000, 14_149, 999_499, 999_600, 1_268_000, 44_000_000]


def test_the_browser_writes_numbers_as_the_server_does(page: Page) -> None:
    code = (ROOT / "pages" / "shared" / "drag.js").read_text("utf-8")
    units = {"mega": "MB", "kilo": "kB", "byte": "B"}
    written = page.evaluate(
        """async ([code, numbers, bytes, units]) => {
          const blob = new Blob([code], {type: "text/javascript"});
          const drag = await import(URL.createObjectURL(blob));
          return {
            three: numbers.map(drag.three),
            size: bytes.map((count) => drag.size(count, units)),
            percent: numbers.map(drag.percent),
            found: [-1, 0, 5, 10, 20, 60, 99].map((v) => drag.find([0, 10, 20, 20, 80], v)),
            ticks: [drag.ticks(-0.7, 0.7, 8), drag.ticks(0, 3300, 4)],
          };
        }""",
        [code, NUMBERS, BYTES, units],
    )
    assert written["three"] == [words.three(number) for number in NUMBERS]
    assert written["size"] == [words.size(count) for count in BYTES]
    assert written["percent"] == [words.percent(number) for number in NUMBERS]
    assert written["found"] == pytest.approx([0, 0, 0.5, 1, 2, 3 + 2 / 3, 4])
    assert written["ticks"][0] == pytest.approx([-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6])
    assert written["ticks"][1] == [0, 1000, 2000, 3000]
