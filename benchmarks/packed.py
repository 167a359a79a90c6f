"""
Measure the packed file against zstd at its best and against Shannon's bound, network by network.

    python -m benchmarks.packed [--json FILE] [--networks lenet-5 ...]

All three are of the same weights: codes of all layers, without scales, biases and description.
zstd 19 gets each layer on its own, as we do. Shannon's bound is the entropy of each layer's codes
taken one by one; a coder goes below it only by knowing which rows and columns are alike.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

import numpy as np
import torch
import zstandard

from benchmarks.report import options, publish
from compress_core.ans import Array
from compress_core.codec import layout_of, pack, unpack
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.fit_file import to_bytes
from compress_core.packed import stored_arrays
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.scenarios import Scenario, list_scenarios, list_seeds, load_scenario
from compress_core.sizes import entropy_bits, sizes

SETTINGS: dict[str, tuple[Step, ...]] = {
    "8 bit": (Quantize(weight_bits=8),),
    "4 bit": (Quantize(weight_bits=4),),
    "4 bit, one scale": (Quantize(weight_bits=4, granularity="per_tensor"),),
    "4 bit codebook": (Quantize(weight_bits=4, grid="codebook"),),
    "2:4, 8 bit": (Prune(granularity="n:m", n_of_m="2:4"), Quantize(weight_bits=8)),
    "80 % pruned, 4 bit": (Prune(sparsity=0.8, allocation="global"), Quantize(weight_bits=4)),
    "95 % pruned, 4 bit": (Prune(sparsity=0.95, allocation="global"), Quantize(weight_bits=4)),
    "60 % of kernels, 8 bit": (Prune(sparsity=0.6, granularity="kernel"), Quantize(weight_bits=8)),
}
ROUNDS = 3
COLUMNS = {
    "network": ("network", ""),
    "setting": ("setting", ""),
    "weights": ("weights", ",d"),
    "ours": ("ours B", ",d"),
    "zstd_19": ("zstd-19 B", ",d"),
    "shannon": ("Shannon B", ",.0f"),
    "over_zstd": ("÷ zstd", ".3f"),
    "over_shannon": ("÷ Shannon", ".3f"),
    "encode": ("enc MB/s", ".1f"),
    "decode": ("dec MB/s", ".1f"),
    "zstd_encode": ("zstd enc", ".1f"),
    "zstd_decode": ("zstd dec", ".1f"),
    "file": ("file B", ",d"),
    "sizes_ms": ("sizes CPU ms", ".0f"),
}


def measure(scenario: Scenario, setting: str) -> dict[str, Any]:
    """Return one row: bytes and speeds of both coders on the codes of one compressed network."""
    compressed = compress(scenario.network, Recipe(steps=SETTINGS[setting]))
    codes = {n: a for n, a in stored_arrays(compressed).items() if n.startswith("codes:")}
    packed, encode, decode = _ours(codes)
    zstd, zstd_encode, zstd_decode = _zstd(codes)
    shannon = sum(_entropy_bytes(array) for array in codes.values())
    size = sum(array.nbytes for array in codes.values())
    return {
        "network": scenario.network.name,
        "setting": setting,
        "weights": sum(array.size for array in codes.values()),
        "ours": packed,
        "zstd_19": zstd,
        "shannon": shannon,
        "over_zstd": packed / zstd,
        "over_shannon": packed / shannon,
        "encode": size / encode / 1e6,
        "decode": size / decode / 1e6,
        "zstd_encode": size / zstd_encode / 1e6,
        "zstd_decode": size / zstd_decode / 1e6,
        "file": len(to_bytes(compressed).data),
        "sizes_ms": 1000 * _sizes_seconds(compressed),
    }


def _ours(codes: dict[str, Array]) -> tuple[int, float, float]:
    data = pack(codes).data
    layout = layout_of(codes)
    for name, array in unpack(data, layout).items():
        assert np.array_equal(array, codes[name]), name
    return len(data), _seconds(lambda: pack(codes)), _seconds(lambda: unpack(data, layout))


def _zstd(codes: dict[str, Array]) -> tuple[int, float, float]:
    raw = [array.tobytes() for array in codes.values()]
    coder = zstandard.ZstdCompressor(level=19)
    frames = [coder.compress(block) for block in raw]
    return (
        sum(map(len, frames)),
        _seconds(lambda: [coder.compress(block) for block in raw]),
        _seconds(lambda: [zstandard.decompress(frame) for frame in frames]),
    )


def _entropy_bytes(array: Array) -> float:
    return entropy_bits(torch.from_numpy(array)) * array.size / 8


def _sizes_seconds(compressed: Compressed) -> float:
    return _seconds(lambda: sizes(compressed))


def _seconds(work: Callable[[], object]) -> float:
    """Return the median processor time of a few calls: others may be using the machine."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return median(times)


def remarks(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what the table comes to."""
    if not rows:
        yield "No network has trained weights here."
        return
    worst = max(rows, key=lambda row: row["over_zstd"])
    yield (
        f"Never larger than zstd-19: at most {worst['over_zstd']:.3f} of it "
        f"({worst['network']}, {worst['setting']})."
        if worst["over_zstd"] <= 1
        else f"Larger than zstd-19 for {worst['network']}, {worst['setting']}."
    )
    yield f"{median(row['over_zstd'] for row in rows):.3f} of zstd-19 in the median."
    yield "MB/s are of codes as they lie in memory, one byte each, per second of processor time."


def main() -> None:
    """Measure the networks that have trained weights and publish the figures."""
    parser = options(__doc__)
    parser.add_argument(
        "--networks", nargs="+", metavar="NAME", help="only scenarios whose name contains one"
    )
    arguments = parser.parse_args()
    wanted = arguments.networks or [""]
    names = [n for n in list_scenarios() if list_seeds(n) and any(part in n for part in wanted)]
    scenarios = [load_scenario(name, list_seeds(name)[0]) for name in names]
    rows = [measure(scenario, setting) for scenario in scenarios for setting in SETTINGS]
    publish(rows, COLUMNS, list(remarks(rows)), arguments.json)


if __name__ == "__main__":
    main()
