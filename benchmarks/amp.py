"""
Time training steps with mixed precision, plain float32 and float32 channels_last, in turns.

    python -m benchmarks.amp [--json FILE] [--networks lenet-5 ...] [--steps 20]

Every round takes one step of each on the same batch, so a slow moment of the machine slows all
three; ratios are taken round by round. Times hold for this machine only, ratios carry further.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import torch

from benchmarks.report import options, publish
from compress_core.precision import Precision, choose_precision
from compress_core.scenarios import Scenario, list_scenarios, list_seeds, load_scenario
from compress_core.speed import Stepper, round_ratios, take_turns

BATCH_SIZE = 128
RESTLESS = 3
"""Rounds whose ratios differ by more than this factor do not tell much."""
COLUMNS = {
    "network": ("network", ""),
    "dtype": ("AMP in", ""),
    "layout": ("layout", ""),
    "batch": ("batch", "d"),
    "rounds": ("rounds", "d"),
    "amp_ms": ("AMP ms", ".2f"),
    "fp32_ms": ("fp32 ms", ".2f"),
    "fp32_channels_last_ms": ("fp32 NHWC ms", ".2f"),
    "over_fp32": ("× fp32", ".2f"),
    "over_fp32_range": ("min–max", ""),
    "over_channels_last": ("× NHWC", ".2f"),
    "over_channels_last_range": ("min–max", ""),
}


def variants(amp: Precision) -> dict[str, Precision]:
    """Return the three ways to compute a step; the first is what the app would choose."""
    plain = replace(amp, dtype=torch.float32, channels_last=False)
    return {
        "amp": amp,
        "fp32": plain,
        "fp32_channels_last": replace(plain, channels_last=True),
    }


def measure(scenario: Scenario, steps: int) -> dict[str, Any]:
    """Return one row: medians of the three, and ratios to mixed precision."""
    module = scenario.network.module
    precisions = variants(choose_precision(module, amp=True))
    steppers = {name: Stepper(module, precision) for name, precision in precisions.items()}
    seconds = take_turns(steppers, scenario.data.train, BATCH_SIZE, steps)
    over_fp32 = round_ratios(seconds["fp32"], seconds["amp"])
    over_channels_last = round_ratios(seconds["fp32_channels_last"], seconds["amp"])
    return {
        "network": scenario.name,
        "dtype": precisions["amp"].name,
        "layout": "NHWC" if precisions["amp"].channels_last else "NCHW",
        "batch": BATCH_SIZE,
        "rounds": len(over_fp32),
        **{f"{name}_ms": 1000 * median(times) for name, times in seconds.items()},
        "over_fp32": median(over_fp32),
        "over_fp32_lowest": min(over_fp32),
        "over_fp32_highest": max(over_fp32),
        "over_fp32_range": span(over_fp32),
        "over_channels_last": median(over_channels_last),
        "over_channels_last_range": span(over_channels_last),
        "reason": precisions["amp"].reason,
    }


def span(ratios: Sequence[float]) -> str:
    """Return the lowest and the highest ratio as text."""
    return f"{min(ratios):.2f}–{max(ratios):.2f}"


def remarks(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what a reader should know: how to read the ratios, and where AMP does not pay."""
    yield "× is float32 over AMP, the median of the rounds' ratios: above 1, AMP is faster."
    for row in rows:
        low, high = row["over_fp32_lowest"], row["over_fp32_highest"]
        if row["dtype"] == "float32":
            yield f"{row['network']}: AMP computes in float32 here. {row['reason']}"
        elif high > RESTLESS * low:
            yield (
                f"{row['network']}: its rounds differ {high / low:.0f}-fold, so other work kept "
                "the machine busy and the figures tell little; measure again when it is at rest."
            )
        elif row["over_fp32"] < 0.97:
            yield (
                f"{row['network']}: AMP is slower here, {1 / row['over_fp32']:.2f} times as long "
                "per step: the layers are too small to repay the conversions."
            )


def main() -> None:
    """Measure the networks that have trained weights and publish the figures."""
    parser = options(__doc__)
    parser.add_argument("--steps", type=int, default=20, help="counted rounds (20)")
    parser.add_argument(
        "--networks",
        nargs="+",
        metavar="NAME",
        help="only scenarios whose name contains one of these",
    )
    arguments = parser.parse_args()
    names = [name for name in list_scenarios() if list_seeds(name)]
    if arguments.networks:
        names = [n for n in names if any(part in n for part in arguments.networks)]
    if not names:
        parser.error("no network with trained weights has such a name")
    rows = [measure(load_scenario(n, list_seeds(n)[0]), max(1, arguments.steps)) for n in names]
    publish(rows, COLUMNS, list(remarks(rows)), arguments.json)


if __name__ == "__main__":
    main()
