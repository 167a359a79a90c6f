"""What all tests share: one thread, a data folder of their own, the real app and a browser."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page, expect

from tests.browser import MISSING, find_browser, open_browser, serve

PATIENCE = 120_000
"""Milliseconds that a browser waits for what a test expects."""

# One thread, also in the processes that tests start; must be set before torch is loaded.
os.environ["OMP_NUM_THREADS"] = "1"
# Whatever is written outside a test, at import for example, does not end in the user's folder.
_SESSION_HOME = tempfile.mkdtemp(prefix="fitting-room-tests-")
os.environ["FITTING_ROOM_HOME"] = _SESSION_HOME
# Nor do tests use the user's scheduler and database.
os.environ.pop("FITTING_ROOM_SCHEDULER", None)
os.environ.pop("FITTING_ROOM_DATABASE_URL", None)

# The same few examples in every run. Look for new ones with: pytest --hypothesis-profile=search
settings.register_profile("fixed", derandomize=True, max_examples=30, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("fixed")


def pytest_configure() -> None:
    import torch

    torch.set_num_threads(1)


def pytest_unconfigure() -> None:
    shutil.rmtree(_SESSION_HOME, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever drives a browser, so that `-m "not browser"` leaves it out."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder for each test."""
    folder = tmp_path / "home"
    monkeypatch.setenv("FITTING_ROOM_HOME", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def installed() -> Iterator[None]:
    """What is installed stays: a page that is run alone looks through all of it each time."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for the first result of what they measure, however busy the machine is."""
    if "test_pages" in request.path.name:
        monkeypatch.setattr("pages.shared.meter.PATIENCE", 60.0)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real app, started once for all tests that ask for it."""
    with serve(tmp_path_factory.mktemp("app") / "home") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser; by module, because its event loop must not run beside other tests."""
    if find_browser() is None:
        pytest.fail(MISSING, pytrace=False)
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page, 1440 pixels wide, that is patient: a busy machine is no failure."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield context.new_page()
    context.close()
