"""
Judge the accuracy that sensitivity maps foresee against recipes that are measured in this run.

    python -m benchmarks.estimate [--json FILE] [--networks lenet-5 ...] [--recipes 100] [--few 20]

The recipes are random and drawn with a seed that no map was calibrated on: weights pruned by share
or threshold, weights and activations rounded to 2 to 8 bits, single layers that differ. Estimate
and measurement are of the same validation samples. Wanted: a rank correlation of 0.9, and a mean
error of 1.5 points among recipes that lose at most 10. Beside the rank correlation stands what
even knowing the accuracies would reach, if each were counted on as many other samples.
"""

import time
from collections.abc import Iterator, Sequence
from math import nan
from statistics import fmean, median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import options, publish
from compress_core.compress import compress
from compress_core.draw import draw_recipes
from compress_core.estimate import COVERAGE, estimator
from compress_core.measured import Estimate
from compress_core.recipe import Recipe
from compress_core.scenarios import list_scenarios, list_seeds, load_scenario
from compress_core.sensitivity import Judge, load_map
from compress_core.treatment import foreseen

HELD_OUT_SEED = 7_777
"""Maps are calibrated on recipes of seed 0."""
MANY_MACS = 5_000_000
"""A network with more of them takes seconds for each recipe."""
NEAR = 0.1
DRAWS = 200
WANTED_RANK, WANTED_ERROR = 0.9, 1.5
COLUMNS = {
    "network": ("network", ""),
    "seed": ("seed", "d"),
    "samples": ("samples", ",d"),
    "recipes": ("recipes", "d"),
    "spearman": ("Spearman", ".3f"),
    "ceiling": ("at most", ".3f"),
    "near": ("lose <= 10", "d"),
    "error": ("mean error, pt", ".2f"),
    "largest": ("largest, pt", ".1f"),
    "coverage": ("in band", ".0%"),
    "band": ("band +-, pt", ".1f"),
    "estimate_ms": ("estimate ms", ".1f"),
    "measure_ms": ("measure ms", ".0f"),
}


def measure(name: str, seed: int, count: int) -> dict[str, Any]:
    """Return one row: estimates of *count* recipes beside what they then measured."""
    scenario, known = load_scenario(name, seed), load_map(name, seed)
    assert known is not None
    judge = Judge(scenario.network, scenario.data, scenario.data.validation.head(known.n))
    expert = estimator(known)
    expert.estimate([])  # learns its rule now, once
    pairs, seconds = [], []
    for recipe in draw_recipes(scenario.network, count, HELD_OUT_SEED):
        start = time.perf_counter()
        expected = expert.estimate(foreseen(scenario.network, recipe))
        between = time.perf_counter()
        pairs.append((expected, _accuracy(judge, recipe)))
        seconds.append((between - start, time.perf_counter() - between))
    return {
        "network": name.split("/")[1],
        "seed": seed,
        "samples": known.n,
        **score(pairs, known.original.accuracy),
        "ceiling": ceiling([then for _, then in pairs], known.n),
        "estimate_ms": 1000 * median(first for first, _ in seconds),
        "measure_ms": 1000 * median(second for _, second in seconds),
    }


def score(pairs: Sequence[tuple[Estimate, float]], original: float) -> dict[str, Any]:
    """Compare estimates with what was measured; points are of accuracy."""
    near = [(e, then) for e, then in pairs if then >= original - NEAR]
    errors = [100 * abs(e.value - then) for e, then in near]
    return {
        "recipes": len(pairs),
        "spearman": _rank_correlation([e.value for e, _ in pairs], [then for _, then in pairs]),
        "near": len(near),
        "error": fmean(errors) if errors else nan,
        "largest": max(errors, default=nan),
        "coverage": fmean(e.low <= then <= e.high for e, then in pairs),
        "band": fmean(50 * (e.high - e.low) for e, _ in near) if near else nan,
    }


def ceiling(accuracies: Sequence[float], samples: int) -> float:
    """
    Return how well accuracies rank what they are when counted on so many samples (binomial).

    Mean of many draws. Recipes that are counted on the same samples differ less by chance.
    """
    draws = np.random.default_rng(0).binomial(samples, accuracies, (DRAWS, len(accuracies)))
    return fmean(_rank_correlation(accuracies, counted) for counted in draws)


def _rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's coefficient; equal values share their mean rank."""
    return float(pd.Series(one).rank().corr(pd.Series(other).rank()))


def _accuracy(judge: Judge, recipe: Recipe) -> float:
    return judge.harm(compress(judge.network, recipe, judge.data)).accuracy


def remarks(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what the table comes to."""
    judged = [r for r in rows if r["near"]]
    if not judged:
        yield "No network has a sensitivity map here, and recipes that lose 10 points at most."
        return
    ranks, errors, counts = ([r[w] for r in judged] for w in ("spearman", "error", "recipes"))
    yield (
        f"{len(judged)} copies of networks, {sum(counts)} recipes. Rank correlation: "
        f"{fmean(ranks):.2f} in the mean, {min(ranks):.3f} at least; wanted are {WANTED_RANK}."
    )
    yield (
        f"Mean error within 10 points: {fmean(errors):.2f} points in the mean, {max(errors):.2f} "
        f"at most; wanted are {WANTED_ERROR}."
    )
    inside = sum(r["coverage"] * r["recipes"] for r in judged) / sum(counts)
    yield f"{inside:.0%} of the recipes end in the band, which is made for {COVERAGE:.0%}."


def main() -> None:
    """Judge the maps of the networks that have one and publish the figures."""
    parser = options(__doc__)
    parser.add_argument("--networks", nargs="+", metavar="NAME", default=[""])
    parser.add_argument("--recipes", type=int, default=100)
    parser.add_argument("--few", type=int, default=20, help="recipes for large networks")
    arguments = parser.parse_args()
    rows = []
    for name in list_scenarios():
        if any(part in name for part in arguments.networks):
            for seed in list_seeds(name):
                if load_map(name, seed) is not None:
                    large = load_scenario(name, seed).network.macs > MANY_MACS
                    rows.append(measure(name, seed, arguments.few if large else arguments.recipes))
    publish(rows, COLUMNS, list(remarks(rows)), arguments.json)


if __name__ == "__main__":
    main()
