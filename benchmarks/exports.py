"""
Every export target on built-in networks: bytes, agreement with the preview, gap and speed.

Each file is run in its own runtime. Speed is that of the original in float32 in the same runtime,
measured in turns with the file, one sample at a time on one thread.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.report import machine, markdown, options, publish
from compress_core.compress import compress
from compress_core.exporters.export import export
from compress_core.exporters.target import ExportError, Target
from compress_core.exporters.targets import targets
from compress_core.proof import Proof
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import Scenario, list_scenarios, list_seeds, load_scenario
from compress_core.target_speed import RECIPES as STANDS_FOR

RECIPES = {
    "as trained": Recipe(),
    "−50 % weights": Recipe(steps=(Prune(sparsity=0.5),)),
    "−30 % channels": Recipe(steps=(Prune(sparsity=0.3, granularity="channel"),)),
    "int8": Recipe(steps=(Quantize(weight_bits=8, activation_bits=8),)),
    "int8, −30 % channels": Recipe(
        steps=(
            Prune(sparsity=0.3, granularity="channel"),
            Quantize(weight_bits=8, activation_bits=8),
        )
    ),
    "4 bit, int8 activations": Recipe(steps=(Quantize(weight_bits=4, activation_bits=8),)),
    "4 bit weights": Recipe(steps=(Quantize(weight_bits=4),)),
}
COLUMNS = {
    "network": ("network", "s"),
    "recipe": ("recipe", "s"),
    "target": ("target", "s"),
    "bytes": ("bytes", ",d"),
    "smaller": ("smaller ×", ".1f"),
    "samples": ("samples", ",d"),
    "agreement_percent": ("same class %", ".2f"),
    "steps": ("gap", "s"),
    "accuracy_percent": ("accuracy %", ".2f"),
    "fp32_us": ("float32 µs", ".0f"),
    "file_us": ("file µs", ".0f"),
    "speedup": ("faster ×", ".2f"),
}


def measure(
    scenario: Scenario, recipes: Sequence[str], chosen: Sequence[Target]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each recipe and target that can take it."""
    for name in recipes:
        compressed = compress(scenario.network, RECIPES[name], scenario.data)
        for target in chosen:
            with TemporaryDirectory() as folder:
                try:
                    proof = export(compressed, target, Path(folder), scenario.data)
                except ExportError as error:
                    print(f"{scenario.name}, {name}, {target.name}: {error}", flush=True)
                    continue
            original = 4 * scenario.network.parameters
            print(f"{scenario.name}, {name}, {target.name}: done", flush=True)
            yield {"network": scenario.name, "recipe": name, **row(proof, original)}


def shortened(name: str, samples: int) -> Scenario:
    """Load a scenario with at most *samples* of its test part: every file is run on all of them."""
    scenario = load_scenario(name, list_seeds(name)[0])
    data = replace(scenario.data, test=scenario.data.test.head(samples))
    return replace(scenario, data=data)


def row(proof: Proof, original_bytes: int) -> dict[str, Any]:
    """Return the figures of one proof."""
    assert proof.run is not None
    run = proof.run
    gap = f"{run.gap:.1e}" if run.step is None else f"{run.gap / run.step:.1f} steps"
    return {
        "target": proof.target,
        "bytes": proof.bytes,
        "smaller": original_bytes / proof.bytes,
        "samples": run.agreement.n,
        "agreement_percent": 100 * run.agreement.value,
        "steps": gap,
        "accuracy_percent": 100 * run.accuracy.value,
        "fp32_us": 1e6 * run.latency.before,
        "file_us": 1e6 * run.latency.after,
        "speedup": run.latency.speedup,
        "weights": proof.weights,
        "arithmetic": proof.arithmetic,
        "floats": list(proof.floats),
        "runtime": proof.runtime,
        "speed": proof.speed,
        "remark": proof.remark,
    }


def speed_facts(rows: Sequence[dict[str, Any]], known: Path) -> str:
    """
    Return as JSON what `compress_core.target_speed` reads, of recipes that it knows.

    Facts of networks that were not measured now are kept from *known*.
    """
    names = ("network", "target", "recipe", "arithmetic", "speedup")
    new = [
        {name: row[name] for name in names} | {"speedup": round(row["speedup"], 3)}
        for row in rows
        if row["recipe"] in STANDS_FOR
    ]
    old = json.loads(known.read_text(encoding="utf-8"))["facts"] if known.is_file() else []
    measured = {row["network"] for row in rows}
    facts = [fact for fact in old if fact["network"] not in measured] + new
    facts.sort(key=lambda fact: list_scenarios().index(fact["network"]))
    return json.dumps({"machine": machine(), "facts": facts}, indent=1, ensure_ascii=False) + "\n"


def matrix(rows: Sequence[dict[str, Any]]) -> str:
    """Return the figures of int8 files as Markdown: a line for each network, targets beside it."""
    cells = {(row["network"], row["target"]): row for row in rows if row["recipe"] == "int8"}
    names, chosen = (list(dict.fromkeys(keys)) for keys in zip(*cells, strict=True))
    lines = [
        {"network": f"`{name}`", **{target: _cell(cells.get((name, target))) for target in chosen}}
        for name in names
    ]
    return markdown(lines, {column: (column, "s") for column in ("network", *chosen)})


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "refused"
    same = "" if row["agreement_percent"] == 100 else f"{row['agreement_percent']:.1f} % same, "
    return f"{row['bytes']:,} B, {same}{row['steps']}, {row['speedup']:.2f}×"


def main() -> None:
    """Export the networks that have trained weights and publish the figures."""
    runnable = [target for target in targets() if target.available and target.open is not None]
    parser = options(__doc__)
    parser.add_argument("--scenarios", nargs="+", metavar="NAME", help="names containing one")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--samples", type=int, default=1000, help="of the test part, for each file")
    parser.add_argument("--targets", nargs="+", choices=[target.name for target in runnable])
    parser.add_argument("--facts", type=Path, help="write what the app says of speed to this file")
    arguments = parser.parse_args()
    wanted = arguments.scenarios or [""]
    names = [n for n in list_scenarios() if list_seeds(n) and any(part in n for part in wanted)]
    if not names:
        parser.error("no network with trained weights has such a name")
    torch.set_num_threads(1)
    chosen = [t for t in runnable if arguments.targets is None or t.name in arguments.targets]
    rows = [
        figures
        for name in names
        for figures in measure(shortened(name, arguments.samples), arguments.recipes, chosen)
    ]
    remarks = [
        "gap: largest difference of an output from the preview, in steps of the output's grid.",
        "smaller: than the original's parameters in float32. faster: than the original in float32",
        "in the same runtime, one sample on one thread, the median of rounds in turns.",
        *sorted({f"{r['target']}: {r['runtime']}" for r in rows}),
    ]
    publish(rows, COLUMNS, remarks, arguments.json)
    if any(row["recipe"] == "int8" for row in rows):
        print(f"\nint8, for the README:\n\n{matrix(rows)}")
    if arguments.facts:
        arguments.facts.write_text(speed_facts(rows, arguments.facts), encoding="utf-8")


if __name__ == "__main__":
    main()
