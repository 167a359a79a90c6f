"""
How soon the page answers: frames while a handle is dragged, and numbers after it is let go.

In a real browser. After a release the floor is a bare Streamlit page with one slider and one
number; the page may take a little longer than that and the evaluation itself, all three measured
in turns. Frames are those of the page's component, with the table of a synthetic layer. Then the
time from a release to measured numbers for every built-in network.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.report import options, publish
from compress_core.compress import compress
from compress_core.drag import DragTable, drag_table
from compress_core.refine import first_samples
from compress_core.scenarios import list_scenarios, load_scenario
from compress_core.sketch import Sketch
from compress_core.sketch_layer import sketch_layer
from compress_core.worth import worth
from pages.shared.choice import WEIGHT_BITS, Choice, recipe_of, rounding_of
from tests.browser import open_browser, serve, wait_until_at_rest

SCENARIO = "fashion-mnist/lenet-5"
WEIGHTS = (10_000, 100_000_000)
ROUNDS = 5
"""Releases of each of the other networks."""
MOVES = 240
"""Pointer moves of a drag; the browser takes about one a frame."""
FLOOR = """
import streamlit as st

st.metric("Share", st.slider("Share of weights to remove", 0, 99, 20))
"""
COMPONENT = """
from pathlib import Path
from json import loads

from compress_core.compress import compress
from compress_core.drag import DragTable
from pages.shared import drag
from pages.shared.choice import Choice

table = DragTable(**loads(Path(__file__).with_suffix(".json").read_text()))
allowed = ["What is kept moves to the nearest allowed value."] * len(table.bits)
drag.moving(Choice(), table, table.lines[4], allowed, 0.3, table.packed[4][0])
"""
WATCH = """([numbers, unfinished]) => {
  const read = () => [...document.querySelectorAll(numbers)].map((n) => n.textContent).join();
  const before = read();
  window.repainted = new Promise((tell) => {
    addEventListener("pointerup", () => {
      const released = performance.now();
      const look = () => {
        const now = read();
        if (now === before || now === "" || now.includes(unfinished)) requestAnimationFrame(look);
        else requestAnimationFrame(() => tell(performance.now() - released));
      };
      look();
    }, { capture: true, once: true });
  });
}"""
"""Measures from a release to the frame that shows other numbers, all of them known."""
FRAMES = """() => {
  const picture = document.querySelector(".stBidiComponent > div > div").shadowRoot;
  const figure = picture.querySelector("figure");
  window.drawn = [];
  const look = (time) => {
    window.drawn.push([time, Number(figure.style.getPropertyValue("--cut"))]);
    window.over || requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
"""Notes when each frame begins and where the handle is by then."""
COLUMNS = {
    "what": ("what", "s"),
    "median_ms": ("median ms", ".1f"),
    "p95_ms": ("p95 ms", ".1f"),
    "count": ("measured", ",d"),
}


def row(what: str, seconds: Sequence[float]) -> dict[str, Any]:
    """Return median and 95th percentile of what was measured, in milliseconds."""
    milliseconds = 1000 * np.asarray(seconds)
    return {
        "what": what,
        "median_ms": float(np.median(milliseconds)),
        "p95_ms": float(np.quantile(milliseconds, 0.95)),
        "count": len(seconds),
    }


def synthetic_table(count: int) -> DragTable:
    """Return the table of one layer of normal weights."""
    side = round(count**0.5)
    generator = np.random.default_rng(0)
    weights = generator.standard_normal((side, side), np.float32) * np.float32(0.05)
    sketch = Sketch(
        layers=(sketch_layer("layer", weights),),
        fp32_bytes=weights.nbytes, others=0, folded_others=0,
    )  # fmt: skip
    return drag_table(sketch, "layer", "share", WEIGHT_BITS, rounding_of(Choice()))


def frame_times(browser: Any, folder: Path, count: int) -> list[float]:
    """Return the seconds of each frame in which a handle moves that is dragged to and fro."""
    script = folder / f"component_{count}.py"
    script.write_text(COMPONENT)
    script.with_suffix(".json").write_text(json.dumps(synthetic_table(count).to_json()))
    with serve(folder / f"home_{count}", script) as address, opened(browser, address) as page:
        handle = page.get_by_role("slider", name="Line on the picture")
        x, y = centre(handle)
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate(FRAMES)
        for end in (x + 300, x, x + 300, x):
            page.mouse.move(end, y, steps=MOVES // 4)
        times, places = np.transpose(
            page.evaluate("() => { window.over = true; return window.drawn; }")
        )
        page.mouse.up()
    moved = np.diff(places) != 0
    # A frame is drawn after it has begun: what a move costs delays the next.
    late = moved | np.roll(moved, 1)
    return [float(seconds) for seconds in np.diff(times)[late] / 1000]


def release(page: Any, grip: Any, numbers: str) -> float:
    """Drag *grip* a little to the right and return the seconds until *numbers* are new."""
    page.evaluate(WATCH, [numbers, "being measured"])
    x, y = centre(grip)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y, steps=6)
    page.mouse.up()
    seconds = page.evaluate("() => window.repainted") / 1000
    wait_until_at_rest(page)
    return float(seconds)


def evaluations(shares: Sequence[int]) -> Iterator[float]:
    """Yield the seconds that compressing, packing and measuring take by themselves."""
    base = load_scenario(SCENARIO, 0)
    validation = base.data.validation
    first = validation.head(first_samples(base.network.macs, len(validation)))
    for share in shares:
        recipe = recipe_of(Choice(scenario=SCENARIO, share=share))
        start = time.perf_counter()
        worth(compress(base.network, recipe, base.data), first)
        yield time.perf_counter() - start


def releases(browser: Any, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Measure floor, evaluation, the page's slider and its handle in turns."""
    script = folder / "floor.py"
    script.write_text(FLOOR)
    address = f"/explore?model={SCENARIO.replace('/', '.')}&share=10"
    with ExitStack() as stack:
        bare = stack.enter_context(serve(folder / "bare", script))
        app = stack.enter_context(serve(folder / "app"))
        floor, *pages = (
            stack.enter_context(opened(browser, where))
            for where in (bare, app + address, app + address + "&seed=1")
        )
        alone = evaluations(range(10, 10 + rounds + 1))
        turns: dict[str, Callable[[], float]] = {
            "floor": lambda: release(floor, thumb(floor), METRICS),
            "evaluation": lambda: next(alone),
            "slider": lambda: release(pages[0], thumb(pages[0]), TAG),
            "handle": lambda: release(pages[1], pages[1].get_by_role("slider", name=LINE), TAG),
        }
        measured = [{what: turn() for what, turn in turns.items()} for _ in range(rounds + 1)]
    # The first round loads what later ones share.
    return {what: [turn[what] for turn in measured[1:]] for what in turns}


def every_network(browser: Any, folder: Path, rounds: int) -> Iterator[tuple[str, list[float]]]:
    """Yield each built-in network and the seconds from letting its slider go to new numbers."""
    with serve(folder / "all") as app:
        for name in list_scenarios():
            address = f"{app}/explore?model={name.replace('/', '.')}&share=10"
            with opened(browser, address) as page:
                found = [release(page, thumb(page), TAG) for _ in range(rounds + 1)]
            yield name, found[1:]


METRICS = '[data-testid="stMetric"]'
TAG = f".st-key-tag {METRICS}"
LINE = "Line on the picture"


def thumb(page: Any) -> Any:
    """Return what one grabs of the slider of the share."""
    slider = page.get_by_test_id("stSlider").filter(has_text="Share of weights to remove")
    return slider.get_by_test_id("stSliderThumbValue").locator("xpath=..")


@contextmanager
def opened(browser: Any, address: str) -> Iterator[Any]:
    """Open a page and wait until nothing moves."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address)
    if not wait_until_at_rest(page, 180):
        raise RuntimeError(f"{address} did not come to rest.")
    yield page
    context.close()


def centre(place: Any) -> tuple[float, float]:
    """Return the middle of an element, in pixels of the window."""
    box = place.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def main() -> None:
    """Measure both and publish the figures beside their targets."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="releases of each kind")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as name, open_browser() as browser:
        folder = Path(name)
        frames = {count: frame_times(browser, folder, count) for count in WEIGHTS}
        seconds = releases(browser, folder, arguments.rounds)
        networks = dict(every_network(browser, folder, ROUNDS))
    rows = [row(f"frame, {count:,} weights", frames[count]) for count in WEIGHTS]
    rows += [row(f"release, {what}", values) for what, values in seconds.items()]
    rows += [row(f"release, {name}", values) for name, values in networks.items()]
    slowest = max(networks, key=lambda name: statistics.median(networks[name]))
    typical = {what: 1000 * statistics.median(values) for what, values in seconds.items()}
    target = 1.3 * typical["floor"] + typical["evaluation"]
    small, large = rows[0], rows[1]
    remarks = [
        f"frames: {large['median_ms'] / small['median_ms']:.2f} (median) and "
        f"{large['p95_ms'] / small['p95_ms']:.2f} (p95) of those of the small layer; "
        "targets 16.7 ms, 33 ms and 0.9 to 1.1.",
        f"release: 1.3 x floor + evaluation is {target:.0f} ms.",
        f"the slowest network is {slowest} with {statistics.median(networks[slowest]):.2f} s; "
        "wanted is 1 s.",
    ]
    publish(rows, COLUMNS, remarks, arguments.json)


if __name__ == "__main__":
    main()
