"""
How small every built-in network gets while it loses no more than one point of accuracy.

The recipe is pruning little by little (LAMP) while fine-tuning, and few bits for what is left, with
one scale for each layer. How much is pruned is searched on validation samples alone, where half a
point may be lost, so that the test part, which is looked at once and last, most likely loses less
than one. The control is the size at which small networks of the same kind, trained from scratch
and stored with 8 bits, are as good on validation.
"""

import time
from collections.abc import Iterator
from math import ceil
from typing import Any

import torch

from benchmarks.report import markdown, options, publish
from compress_core.budget import with_share
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.control import load_control, smallest_bytes
from compress_core.data import Data, Part
from compress_core.evaluate import evaluate
from compress_core.events import Finished
from compress_core.finetune import finetune
from compress_core.measured import Measured
from compress_core.network import Network
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.scenarios import Scenario, list_scenarios, list_seeds, load_scenario
from compress_core.sizes import sizes

ALLOWED = 0.005
"""Accuracy that may be lost on validation."""
BITS = tuple(
    Quantize(weight_bits=bits, granularity="per_tensor", calibration="mse") for bits in (4, 5, 6, 8)
)
ROUNDED, HELD_AT_ONCE = 0.95, 0.75
"""
Shares of the accuracy that rounding alone, and pruning at once without training, may leave where
the search begins: about so much can be won back (LeNet-300-100 can at 93 %).
"""
HALVINGS, GLANCE = 7, 1000
RUNG = 1.5
"""From one try to the next, so many times more or fewer weights are kept."""
TRIES = 4
STEPS = 1500
"""Of a fine-tuning, about."""
MANY_SAMPLES, MUCH_WORK, TOO_MUCH = 20_000, 5_000_000, 200_000_000
"""Training samples for larger batches; multiplications for one answer for a shorter plan, none."""
UNTRAINED = (*BITS, Quantize(weight_bits=8))
"""What is taken where no try holds: the first that does."""
COLUMNS = {
    "network": ("network", "s"),
    "accuracy": ("test accuracy %", "s"),
    "fp32_bytes": ("float32 bytes", ",d"),
    "fit_bytes": (".fit bytes", ",d"),
    "smaller": ("smaller ×", ".1f"),
    "fit_accuracy": ("its test accuracy %", "s"),
    "recipe": ("recipe", "s"),
    "control": ("small network as good", "s"),
    "seconds": ("CPU s", ".0f"),
}


def smallest(scenario: Scenario) -> Compressed:
    """Return the smallest version found that holds on validation."""
    network, data = scenario.network, scenario.data
    floor = evaluate(network, data.validation).accuracy.value - ALLOWED
    if network.macs < TOO_MUCH:
        coarsest = fewest_bits(network, data.validation.head(GLANCE))
        for bits in BITS[BITS.index(coarsest) :]:
            held = []
            for compressed, accuracy in climb(network, bits, data, floor):
                print(f"{scenario.name}: {_text(compressed.recipe)}: {accuracy:.4f}", flush=True)
                if accuracy >= floor:
                    held.append(compressed)
            if held:
                return min(held, key=_bytes)
    return gentle(network, data, floor)


def climb(
    network: Network, bits: Quantize, data: Data, floor: float
) -> Iterator[tuple[Compressed, float]]:
    """Yield tries and their validation accuracy: less is kept while it holds, or more until it."""
    part = data.validation.head(GLANCE)
    prune = Prune(sparsity=0.5, allocation="lamp", schedule="gradual")
    recipe = Recipe(steps=(prune, bits), finetune=plan_for(network, data))
    kept, before = 1 - first_share(network, bits, part), None
    for _ in range(TRIES):
        compressed, accuracy = made(network, with_share(recipe, round(1 - kept, 4)), data)
        yield compressed, accuracy
        held = accuracy >= floor
        if before not in (None, held):
            return
        before = held
        kept = min(1.0, kept / RUNG if held else kept * RUNG)


def plan_for(network: Network, data: Data) -> Finetune:
    """Return a fine-tuning that fits the work that one answer takes."""
    if network.macs > MUCH_WORK:
        return Finetune(epochs=5, lr=2e-3, batch_size=64, samples=10_000, teacher=0.5)
    few = len(data.train) < MANY_SAMPLES
    batch_size, teacher = (32, 0.5) if few else (256, 0.0)
    epochs = ceil(STEPS * batch_size / len(data.train))
    return Finetune(epochs=epochs, lr=2e-3, batch_size=batch_size, teacher=teacher)


def fewest_bits(network: Network, part: Part) -> Quantize:
    """Return the coarsest rounding that, alone and untrained, costs next to nothing."""
    enough = ROUNDED * evaluate(network, part).accuracy.value
    rounded = (compress(network, Recipe(steps=(bits,))) for bits in BITS)
    fine = (evaluate(compressed, part).accuracy.value >= enough for compressed in rounded)
    return next((bits for bits, holds in zip(BITS, fine, strict=True) if holds), BITS[-1])


def first_share(network: Network, bits: Quantize, part: Part) -> float:
    """Return the share after whose pruning an untrained network still is mostly right."""
    enough = HELD_AT_ONCE * evaluate(network, part).accuracy.value
    low, high = 0.0, 0.995
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        at_once = Recipe(steps=(Prune(sparsity=middle, allocation="lamp"), bits))
        holds = evaluate(compress(network, at_once), part).accuracy.value >= enough
        low, high = (middle, high) if holds else (low, middle)
    return low


def made(network: Network, recipe: Recipe, data: Data) -> tuple[Compressed, float]:
    """Return the network after the recipe, and its accuracy on validation."""
    assert recipe.finetune is not None
    start = compress(network, recipe, data)
    (end,) = (e for e in finetune(start, recipe.finetune, data) if isinstance(e, Finished))
    return end.result, evaluate(end.result, data.validation).accuracy.value


def gentle(network: Network, data: Data, floor: float) -> Compressed:
    """Return the network with as few bits as hold untrained."""
    for step in UNTRAINED:
        compressed = compress(network, Recipe(steps=(step,)), data)
        if evaluate(compressed, data.validation).accuracy.value >= floor:
            break
    return compressed


def row(name: str) -> dict[str, Any]:
    """Return the figures of one network."""
    started = time.process_time()
    scenario = load_scenario(name, list_seeds(name)[0])
    best = smallest(scenario)
    before, after = (evaluate(m, scenario.data.test).accuracy for m in (scenario.network, best))
    measured = sizes(best)
    reached = evaluate(best, scenario.data.validation).accuracy.value
    return {
        "network": name,
        "accuracy": _interval(before),
        "fp32_bytes": measured.fp32_bytes,
        "fit_bytes": measured.packed_bytes,
        "smaller": measured.compression_ratio,
        "fit_accuracy": _interval(after),
        "lost_points": 100 * (before.value - after.value),
        "recipe": _text(best.recipe),
        "control": _control(name, reached),
        "seconds": time.process_time() - started,
        "recipe_json": best.recipe.to_json(),
    }


def _control(name: str, accuracy: float) -> str:
    curve = load_control(name)
    if not curve:
        return "none was trained"
    size = smallest_bytes(curve, accuracy)
    return "none reaches it" if size is None else f"{size:,.0f} bytes"


def _bytes(compressed: Compressed) -> int:
    return sizes(compressed).packed_bytes


def _interval(accuracy: Measured) -> str:
    value, low, high = (100 * x for x in (accuracy.value, accuracy.low, accuracy.high))
    return f"{value:.1f} ({low:.1f}–{high:.1f}, n {accuracy.n:,})"


def _text(recipe: Recipe) -> str:
    shares = [f"−{step.sparsity:.1%} weights" for step in recipe.steps if isinstance(step, Prune)]
    bits = [f"{step.weight_bits} bit" for step in recipe.steps if isinstance(step, Quantize)]
    tuned = [f"{recipe.finetune.epochs} epochs"] if recipe.finetune else []
    return ", ".join([*shares, *bits, *tuned])


def main() -> None:
    """Search the networks that have trained weights and publish the figures."""
    parser = options(__doc__)
    parser.add_argument("--scenarios", nargs="+", metavar="NAME", help="names containing one")
    arguments = parser.parse_args()
    wanted = arguments.scenarios or [""]
    names = [n for n in list_scenarios() if list_seeds(n) and any(part in n for part in wanted)]
    if not names:
        parser.error("no network with trained weights has such a name")
    torch.set_num_threads(1)
    rows = []
    for name in names:
        rows.append(row(name))
        print(rows[-1], flush=True)
    remarks = [
        f"At most {100 * ALLOWED} points lost on validation; the test part was looked at once.",
        "Intervals of 95 %; weights of the first seed.",
    ]
    publish(rows, COLUMNS, remarks, arguments.json)
    print(f"\nFor the README:\n\n{markdown(rows, COLUMNS)}")


if __name__ == "__main__":
    main()
