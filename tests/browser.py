"""Find a Chrome or Chromium, start the app, wait for a page to rest; for tests and pictures."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).resolve().parent.parent

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "No Chrome or Chromium was found. Install one (Debian: apt install chromium) "
    "or name its executable in FITTING_ROOM_BROWSER."
)

AT_REST = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const busy = '[data-testid="stSkeleton"], [data-testid="stAppSkeleton"], '
    + '[data-testid="stSpinner"], [data-testid="stStatusWidget"], [data-stale="true"], '
    + '.st-key-meter-pending';
  return app !== null
    && app.dataset.testConnectionState === 'CONNECTED'
    && app.dataset.testScriptState === 'notRunning'
    && document.querySelector(busy) === null
    && [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')]
         .every(chart => chart.querySelector('canvas, svg') !== null)
    && document.fonts.status === 'loaded';
}"""


def find_browser() -> str | None:
    """Return the path of an installed Chrome or Chromium, or None."""
    named = os.environ.get("FITTING_ROOM_BROWSER")
    candidates = [named] if named else [*map(shutil.which, NAMES), *PLACES]
    return next((path for path in candidates if path and Path(path).is_file()), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Run a headless browser; raises RuntimeError with the remedy when there is none."""
    path = find_browser()
    if path is None:
        raise RuntimeError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serve(home: Path, script: str | Path = "app.py") -> Iterator[str]:
    """Run the real app, or another *script*, with *home* as its data folder; gives its address."""
    port = _free_port()
    command = [
        *(sys.executable, "-m", "streamlit", "run", str(script)),
        *("--server.address", "127.0.0.1", "--server.port", str(port)),
        *("--server.headless", "true", "--server.fileWatcherType", "none"),
    ]
    log = home / "server.log"
    home.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "FITTING_ROOM_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for_health(server, address, log)
            yield address
        finally:
            _stop(server)


def wait_until_at_rest(page: Page, seconds: float = 60.0) -> bool:
    """Wait until nothing has run or loaded for half a second; False when time ran out."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            page.wait_for_function(AT_REST, timeout=left * 1000)
        except PlaywrightTimeout:
            return False
        if all(_still_at_rest(page) for _ in range(5)):
            return True
    return False


def _still_at_rest(page: Page) -> bool:
    page.wait_for_timeout(100)
    return bool(page.evaluate(AT_REST))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_health(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The app did not start:\n{log.read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and whatever it started (workers are in its process group)."""
    if not hasattr(os, "killpg"):
        server.kill()
        server.wait()
        return
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    # Processes that outlived the server; normally there is none.
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    found = find_browser()
    print(found or MISSING)
    sys.exit(found is None)
