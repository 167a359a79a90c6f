"""The first visit to a fresh server is a deep link: Streamlit then runs the page without app.py."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import serve, wait_until_at_rest


def test_a_deep_link_opens_with_menu_and_settings_that_stay(tmp_path: Path, page: Page) -> None:
    with serve(tmp_path) as address:
        page.goto(f"{address}/explore?model=digits.simple-nn&share=40&bits=5")
        wait_until_at_rest(page)
        expect(page.get_by_role("heading", name="SimpleNN")).to_be_visible()
        expect(page.get_by_role("link", name="Choose")).to_be_visible()
        for name, share in (("Gentle", 10), ("Bold", 50)):
            page.get_by_text(name, exact=True).click()
            expect(page.get_by_role("slider").first).to_have_value(str(share))
            wait_until_at_rest(page)
        assert page.url.endswith("?model=digits.simple-nn&share=50&bits=4")
        page.reload()
        wait_until_at_rest(page)
        expect(page.get_by_role("slider").first).to_have_value("50")
        expect(page.get_by_test_id("stException")).to_have_count(0)
