"""
How fast and how true the sketch of the weights is, against looking at every weight again.

Queries are timed on networks of 10 thousand, 11 million and 100 million synthetic weights, and at
11 million beside the same answer from the weights. Memory of the build is what is allocated at most
while the largest layer is sketched, its sketch included, beside the weights themselves; other
layers add what is kept of them. Then the worst errors on built-in networks.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import prod
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import options, publish
from compress_core.choices import QUANTIZE_CHOICES
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.grids import from_zero
from compress_core.masks import keep_globally
from compress_core.network import layer_weight
from compress_core.quantize import weight_grid
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import list_scenarios, list_seeds, load_scenario
from compress_core.sizes import entropy_bits
from compress_core.sketch import LayerSketch, Sketch
from compress_core.sketch_answer import Answer, answer
from compress_core.sketch_curve import curve
from compress_core.sketch_layer import sketch_layer
from compress_core.sketch_network import sketch_network
from compress_core.sketch_order import EXACT

Weights = NDArray[np.float32]

NETWORKS = {
    "10 k": [(100, 80), (20, 100)],
    "11 M": [(512, 2304)] * 8 + [(512, 3072)],
    "100 M": [(4096, 4096)] * 5 + [(4096, 3968)],
}
BITS, SHARE = 4, 0.7
GRANULARITIES = QUANTIZE_CHOICES["granularity"]
CALIBRATIONS = QUANTIZE_CHOICES["calibration"]
USUAL = [Quantize(granularity=each) for each in GRANULARITIES]
OTHERS = [
    *(Quantize(calibration=each) for each in CALIBRATIONS),
    *(Quantize(scheme="affine"), Quantize(grid="power_of_two"), Quantize(grid="codebook")),
]
SETTINGS = [
    *product(USUAL, (2, 4, 8, 16), (0.0, 0.5, 0.9)),
    *product(OTHERS, (4, 8), (0.0, 0.7)),
]
"""Grid of the weights, bits, share of them that is gone."""
COLUMNS = {
    "weights": ("Network", ""),
    "build_s": ("build s", ".2f"),
    "memory": ("build memory / largest layer", ".2f"),
    "memory_mb": ("build MB", ".1f"),
    "kept_mb": ("all sketches MB", ".1f"),
    "threshold_ms": ("threshold ms", ".4f"),
    "global_ms": ("global ms", ".4f"),
    "bits_ms": ("bits ms", ".3f"),
    "new_bits_ms": ("first ms", ".1f"),
}


def synthetic(shapes: list[tuple[int, int]]) -> Iterator[Weights]:
    """Yield the weights of layers, bell-shaped, rows of different size."""
    generator = np.random.default_rng(0)
    for rows, columns in shapes:
        values = generator.standard_normal((rows, columns), dtype=np.float32)
        values *= np.exp(0.3 * generator.standard_normal((rows, 1), dtype=np.float32)) * 0.02
        yield values


def milliseconds(action: Callable[[], Any], repeats: int) -> float:
    """Return the median time of *action*."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return 1e3 * median(times)


def build(shapes: list[tuple[int, int]]) -> tuple[Sketch, dict[str, float]]:
    """Return a sketch, and what it took: seconds, peak bytes of its largest layer, bytes kept."""
    layers: list[LayerSketch] = []
    took = {"build_s": 0.0, "kept_mb": 0.0}
    largest = shapes.index(max(shapes, key=prod))
    for number, values in enumerate(synthetic(shapes)):
        start = perf_counter()
        layers.append(sketch_layer(f"layer{number}", values))
        took["build_s"] += perf_counter() - start
        tracemalloc.start()
        again = sketch_layer("again", values)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del again
        took["kept_mb"] += kept / 1e6
        if number == largest:
            took |= {"memory": peak / values.nbytes, "memory_mb": peak / 1e6}
    return Sketch(layers=tuple(layers), fp32_bytes=0, others=0, folded_others=0), took


def timed(name: str) -> dict[str, Any]:
    """Measure one synthetic network; a query of bits is that of its largest layer."""
    sketch, took = build(NETWORKS[name])
    layer = sketch.layers[-1]
    gone = round(SHARE * layer.count)
    threshold = float(layer.threshold(gone))
    start = perf_counter()
    answer(layer, Quantize(), BITS, gone)
    first = 1e3 * (perf_counter() - start)
    sketch.threshold(1)  # bins are merged once
    count, shares = SHARE * sketch.count, iter(range(gone - 99, gone))
    return {
        "weights": name,
        **took,
        "threshold_ms": milliseconds(lambda: layer.gone(threshold), 101),
        "global_ms": milliseconds(lambda: sketch.threshold(count), 101),
        # Each at a share of its own: exact answers are remembered.
        "bits_ms": milliseconds(lambda: answer(layer, Quantize(), BITS, next(shares)), 51),
        "new_bits_ms": first,
    }


def recomputed() -> dict[str, float]:
    """Return the same queries of all of 11 million weights, from the weights, in ms."""
    layers = [torch.from_numpy(values) for values in synthetic(NETWORKS["11 M"])]
    scores = {str(number): layer.abs() for number, layer in enumerate(layers)}
    step, last = Quantize(weight_bits=BITS), layers[-1]
    threshold = float(last.abs().flatten().kthvalue(round(SHARE * last.numel())).values)

    def bits() -> None:
        kept = torch.where(last.abs() < threshold, 0.0, last)
        grid = weight_grid(kept, step)
        codes = grid.encode(kept)
        entropy_bits(codes)
        (grid.decode(codes) - last).square().mean()

    return {
        "threshold_ms": milliseconds(lambda: (last.abs() < threshold).sum(), 11),
        "global_ms": milliseconds(lambda: keep_globally(scores, SHARE), 3),
        "bits_ms": milliseconds(bits, 3),
    }


def worst(name: str) -> dict[str, Any]:
    """
    Return the largest differences to the compressed network, over settings and layers.

    Where a layer is too large to be rounded again, only the large ones are compressed: how the
    others are told is seen in the other networks.
    """
    network = load_scenario(name, list_seeds(name)[0]).network
    sketch = sketch_network(network)
    large: list[tuple[str, tuple[LayerSketch, ...]]]
    large = [(layer.name, (layer,)) for layer in sketch.layers if not layer.whole]
    row: dict[str, Any] = {}
    told = asked = 0
    for (names, layers), (how, bits, share) in product(large or [("*", sketch.layers)], SETTINGS):
        step = replace(how, weight_bits=bits, layers=names)
        prune = Prune(sparsity=share, layers=names)
        after = compress(network, Recipe(steps=(prune, step) if share else (step,)))
        for each in layers:
            gone = min(round(share * each.count), each.count - 1)
            found, whole = answer(each, how, bits, gone), curve(each, how, bits)
            entropy = entropy_bits(counted(after, each.name))
            here = {} if found is None else differences(after, each, found, entropy)
            if whole is not None:
                here["curve"] = abs(float(whole.bits_at(gone)) / each.count - entropy)
            asked, told = asked + 1, told + (found is not None)
            row = {what: max(row.get(what, 0.0), here.get(what, 0.0)) for what in {**row, **here}}
    return row | {"network": name, "told": told / asked}


def counted(after: Compressed, name: str) -> torch.Tensor:
    """Return the codes of a layer, from the zero of their row on, as files count them."""
    weight, grid = after.weight(name), after.weight_grids[name]
    return from_zero(grid, grid.encode(weight))


def differences(
    after: Compressed, layer: LayerSketch, found: Answer, entropy: float
) -> dict[str, float]:
    """Return how far an answer is from one layer of the compressed network."""
    weight, mask = after.weight(layer.name), after.masks.get(layer.name)
    before = layer_weight(after.original.module, layer.name).double()
    kept = torch.ones_like(weight, dtype=torch.bool) if mask is None else mask
    mse = float((weight - after.float_weight(layer.name)).double().square().mean())
    energy = float(before[~kept].square().sum() / before.square().sum())
    return {
        "sparsity": abs(found.sparsity - 1 + float(kept.double().mean())),
        "energy": abs(found.energy - energy),
        "entropy": abs(found.entropy - entropy),
        "mse": abs(found.mse / mse - 1) if mse else 0.0,
    }


def remarks(rows: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Iterator[str]:
    """Say what the figures amount to."""
    (middle,) = (row for row in rows if row["weights"] == "11 M")
    for what, slow in recomputed().items():
        ratio = slow / middle[what]
        yield f"{what.removesuffix('_ms')} at 11 M: {slow:.2f} ms recomputed, {ratio:,.0f} x slower"
    yield "'bits' is one layer at another threshold; 'first' when its grid is new"
    yield (
        f"layers of at most {EXACT:,} weights keep these in order and are rounded again when asked"
    )
    for error in errors:
        yield (
            f"{error['network']}: worst sparsity {error['sparsity']:.1e}, energy "
            f"{error['energy']:.1e}, entropy {error['entropy']:.1e} bit, mse {error['mse']:.2%}, "
            f"curve {error['curve']:.1e} bit; {error['told']:.0%} of {len(SETTINGS)} settings told"
        )


def main() -> None:
    """Measure and publish."""
    arguments = options(__doc__).parse_args()
    torch.set_num_threads(1)
    rows = [timed(name) for name in NETWORKS]
    errors = [worst(name) for name in list_scenarios() if list_seeds(name)]
    publish(rows, COLUMNS, list(remarks(rows, errors)), arguments.json)


if __name__ == "__main__":
    main()
