"""
Judge the latency estimated from single layers against networks timed in this run.

    python -m benchmarks.latency [--json FILE] [--seconds 20] [--networks lenet-5 ...]

First the layers are measured, as the app does once on a machine; then networks that no layer was
taken from: built-in architectures at several widths and with channels removed, each exported in
float32 and int8 and called in ONNX Runtime on one thread. Beside the estimate stands what
multiply-accumulates alone say: one rate for each precision, fitted to the same layers by the same
rule. Wanted: a mean relative error 3 times as low. A second rate is fitted to the tested networks
themselves, which nobody could know beforehand.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import options, publish
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.cost import COVERAGE, CostModel, cost_model, precision_of
from compress_core.exporters.onnx import write
from compress_core.layer_times import Call, LayerTimes, call_of, measure_layers, time_calls
from compress_core.network import from_module
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.scenarios import list_scenarios, load_scenario
from compress_core.specimens import PRECISIONS
from compress_core.zoo.build import build

WIDTHS = (0.5, 1.0, 1.7)
REMOVED = (0.3, 0.6)
"""Fractions of the channels that are removed from the network of width 1."""
WANTED = 3.0
FIXED = "photos/efficientnet-lite0"
"""Its weights have one width, and it pads in a way that no layer does."""
COLUMNS = {
    "network": ("network", ""),
    "variant": ("variant", ""),
    "precision": ("precision", ""),
    "macs": ("MACs", ",d"),
    "measured_us": ("measured us", ".1f"),
    "estimate_us": ("estimate us", ".1f"),
    "error": ("error", ".0%"),
    "in_band": ("in band", ""),
    "macs_us": ("by MACs us", ".1f"),
    "macs_error": ("error", ".0%"),
    "hindsight_error": ("in hindsight", ".0%"),
}


def measure_times(seconds: float) -> LayerTimes:
    """Measure the layers on this machine."""
    for event in measure_layers(seconds):
        times = event.result
    assert times is not None
    return times


def networks(wanted: Sequence[str]) -> Iterator[tuple[str, str, Compressed]]:
    """Yield name, variant and network, in float32 and int8 each."""
    int8 = Quantize(weight_bits=8, activation_bits=8)
    for scenario in list_scenarios():
        name = scenario.split("/")[1]
        if scenario == FIXED or not any(part in scenario for part in wanted):
            continue
        loaded = load_scenario(scenario, 0)
        variants: list[tuple[str, float, tuple[Step, ...]]] = [
            *((f"width {width}", width, ()) for width in WIDTHS),
            *(
                (
                    f"{part:.0%} of channels removed",
                    1.0,
                    (Prune(granularity="channel", sparsity=part),),
                )
                for part in REMOVED
            ),
        ]
        for variant, width, steps in variants:
            shape, labels = loaded.network.input_shape, loaded.network.labels
            base = from_module(build(scenario, 0, width), shape, labels, name)
            for recipe in (Recipe(steps=steps), Recipe(steps=(*steps, int8))):
                yield name, variant, compress(base, recipe, loaded.data)


def exported(compressed: Compressed) -> Call:
    """Return a call of the file that the app exports."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        write(compressed, path)
        return call_of(path.read_bytes(), compressed.network.input_shape)


def rows_of(
    found: Sequence[tuple[str, str, Compressed]], seconds: Sequence[float], times: LayerTimes
) -> Iterator[dict[str, Any]]:
    """Yield one row for each network: what it takes, and what was expected."""
    model = cost_model(times)
    by_macs = {precision: macs_rate(_layers(times, precision)) for precision in PRECISIONS}
    pairs = [
        (precision_of(c), c.network.macs, s) for (_, _, c), s in zip(found, seconds, strict=True)
    ]
    hindsight = {p: macs_rate([(m, s) for q, m, s in pairs if q == p]) for p in PRECISIONS}
    for (name, variant, compressed), taken in zip(found, seconds, strict=True):
        precision, macs = precision_of(compressed), compressed.network.macs
        assert precision is not None
        expected = model.estimate(compressed)
        assert expected is not None
        yield {
            "network": name,
            "variant": variant,
            "precision": precision,
            "macs": macs,
            "measured_us": 1e6 * taken,
            "estimate_us": 1e6 * expected.value,
            "error": abs(expected.value / taken - 1),
            "in_band": "yes" if expected.low <= taken <= expected.high else "no",
            "macs_us": 1e6 * by_macs[precision] * macs,
            "macs_error": abs(by_macs[precision] * macs / taken - 1),
            "hindsight_error": abs(hindsight[precision] * macs / taken - 1),
        }


def macs_rate(pairs: Sequence[tuple[int, float]]) -> float:
    """Return the seconds per multiply-accumulate with the smallest squared relative error."""
    ratios = [macs / seconds for macs, seconds in pairs]
    return sum(ratios) / sum(ratio * ratio for ratio in ratios) if ratios else 0.0


def _layers(times: LayerTimes, precision: str) -> list[tuple[int, float]]:
    pairs = (
        (sum(o.macs for o in t.operators), t.seconds)
        for t in times.timings
        if t.precision == precision
    )
    return [(macs, seconds) for macs, seconds in pairs if macs]


def remarks(rows: Sequence[dict[str, Any]], model: CostModel) -> Iterator[str]:
    """Yield what the table comes to."""
    for precision in PRECISIONS:
        some = [row for row in rows if row["precision"] == precision]
        if some:
            yield _verdict(some, precision)
    yield _verdict(rows, "all")
    inside = sum(row["in_band"] == "yes" for row in rows)
    yield f"{inside} of {len(rows)} networks lie in the band, which is made for {COVERAGE:.0%}."


def _verdict(rows: Sequence[dict[str, Any]], what: str) -> str:
    ours, macs, later = (
        fmean(row[key] for row in rows) for key in ("error", "macs_error", "hindsight_error")
    )
    return (
        f"{what}: mean error {ours:.1%}, by MACs {macs:.1%} ({macs / ours:.1f} times; wanted "
        f"{WANTED:.0f}), by MACs in hindsight {later:.1%} ({later / ours:.1f} times)."
    )


def main() -> None:
    """Measure layers and networks, compare and publish the figures."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="for the layers")
    parser.add_argument("--networks", nargs="+", metavar="NAME", default=[""])
    arguments = parser.parse_args()
    found = list(networks(arguments.networks))
    calls = [exported(compressed) for _, _, compressed in found]
    times = measure_times(arguments.seconds)
    seconds = time_calls(calls, arguments.seconds / 2)
    rows = list(rows_of(found, seconds, times))
    publish(rows, COLUMNS, list(remarks(rows, cost_model(times))), arguments.json)


if __name__ == "__main__":
    main()
