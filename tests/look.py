"""Take a picture of every page, light and dark, wide and phone-wide: `python -m tests.look`."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.browser import ROOT, open_browser, serve, wait_until_at_rest

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
TALLEST = 12_000
"""Pictures higher than this many pixels are cut."""

HEIGHT_OF_CONTENT = """() => Math.max(
  ...[...document.querySelectorAll('[data-testid="stMain"], [data-testid="stSidebarContent"]')]
    .map(part => part.scrollHeight + part.getBoundingClientRect().top),
  0)"""


def page_names() -> list[str]:
    """Return the names in the addresses of all pages: 1_choose.py is shown at /choose."""
    files = sorted((ROOT / "pages").glob("*.py"))
    return [f.stem.partition("_")[2] for f in files if f.stem[0].isdigit()]


def take_pictures(browser: Browser, address: str, folder: Path, query: str) -> Iterator[str]:
    """Write all pictures and yield what is wrong with them."""
    names = page_names()
    for name, theme, width in product(names, THEMES, WIDTHS):
        context = browser.new_context(
            viewport={"width": WIDTHS[width][0], "height": WIDTHS[width][1]},
            color_scheme=theme,
            reduced_motion="reduce",
        )
        page = context.new_page()
        path = folder / f"{name}-{theme}-{width}.png"
        # The first page is the one that opens at the bare address.
        page.goto(f"{address}/{'' if name == names[0] else name}{query}")
        yield from (f"{path.name}: {fault}" for fault in _take_picture(page, path))
        context.close()


def _take_picture(page: Page, path: Path) -> Iterator[str]:
    if not wait_until_at_rest(page):
        yield "not at rest after a minute"
    assert page.viewport_size is not None
    width, lowest = page.viewport_size["width"], page.viewport_size["height"]
    # Streamlit scrolls inside a box: the window has to be as tall as the content. Twice, because
    # a taller window can make the content taller.
    for _ in range(2):
        height = min(max(lowest, round(page.evaluate(HEIGHT_OF_CONTENT))), TALLEST)
        page.set_viewport_size({"width": width, "height": height})
        wait_until_at_rest(page)
    page.screenshot(path=path, animations="disabled")
    print(f"  {path.relative_to(ROOT)}  {width} x {height}", flush=True)
    if page.get_by_test_id("stException").count():
        yield "shows an exception"
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        yield "is wider than the window"


def main() -> int:
    """Write the pictures to look/ and return 1 if something is wrong with one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--query", default="", help="added to the addresses, such as ?bits=4")
    query = parser.parse_args().query
    folder = ROOT / "look"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with (
        tempfile.TemporaryDirectory() as home,
        serve(Path(home)) as address,
        open_browser() as browser,
    ):
        faults = list(take_pictures(browser, address, folder, query))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
