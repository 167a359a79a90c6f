"""The app's promise in a real browser: the number on the screen is the file on the disk."""

import json
from hashlib import sha256
from pathlib import PurePosixPath
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page

from pages.shared import words
from tests.test_journey import PATIENCE, keep_at_rest

pytestmark = pytest.mark.browser


def test_what_the_certificate_says_is_what_is_downloaded(app: str, page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app}/export?model=digits.simple-nn&share=60&bits=4")
    keep_at_rest(page)
    page.locator(".st-key-export-fit").get_by_role("button", name="Make this file").click()
    save = page.get_by_role("button", name="Save simple-nn.fit")
    save.wait_for()
    keep_at_rest(page)
    shown = page.locator(".st-key-export-certificate").get_by_test_id("stMetric")
    on_screen = shown.filter(has_text="smaller").get_by_test_id("stMetricValue").inner_text()

    with page.expect_download() as waiting:
        save.click()
    with ZipFile(waiting.value.path()) as archive:
        parts = {PurePosixPath(name).name: archive.read(name) for name in archive.namelist()}
    content, proof = parts["simple-nn.fit"], json.loads(parts["certificate.json"])["proof"]
    assert words.size(len(content)) == on_screen
    assert (len(content), sha256(content).hexdigest()) == (proof["bytes"], proof["sha256"])
