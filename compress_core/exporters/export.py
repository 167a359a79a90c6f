"""Write a compressed network for a target, run the file in its own runtime and prove it."""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from re import sub
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.evaluate import recalls
from compress_core.exporters.target import ExportError, Runner, Target, Written
from compress_core.integers import output_grid
from compress_core.latency import compare
from compress_core.measured import UNMEASURED, proportion
from compress_core.network import Network
from compress_core.proof import Facts, Proof, Run, speed_sentence
from compress_core.recipe import Recipe

BUDGET = 60e9
"""Multiply-accumulates that comparing may take in either of file and preview: some ten seconds."""
FEWEST_SAMPLES = 500
STAND_INS = 200
"""Random samples that a file is compared on where nobody gave any."""
BATCH = 250


def export(compressed: Compressed, target: Target, folder: Path, data: Data) -> Proof:
    """
    Write *compressed* into *folder*, run the file on test samples and return its proof.

    Raises ExportError when the target cannot take this network or its runtime is missing; then
    no file is left.
    """
    if target.missing:
        raise ExportError(f"{target.title} needs {', '.join(target.missing)}. {target.remedy}")
    path = folder / f"{_file_name(compressed.network.name)}{target.suffix}"
    try:
        written = target.write(compressed, path)
        run = None if target.open is None else _prove(compressed, target, path, data.test)
    except Exception as error:
        path.unlink(missing_ok=True)
        if isinstance(error, ExportError):
            raise
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ExportError(f"{target.title} cannot take this network: {reason}") from error
    return _proof(compressed, target, path, written, run)


def _prove(compressed: Compressed, target: Target, path: Path, test: Part) -> Run:
    """Compare the file with the preview, and its speed with that of the original in float32."""
    assert target.open is not None
    after = target.open(path, compressed)
    unknown = test.against == "nothing"
    part = test.stand_in(STAND_INS) if unknown else test
    part = part.head(samples(compressed.network, len(part)))
    answers = torch.cat(list(_answers(after, part)))
    preview = torch.cat(list(_answers(compressed.module, part)))
    same, right = answers.argmax(1) == preview.argmax(1), answers.argmax(1) == part.y
    before, x = original_runner(compressed.original, target), part.inputs(0, 1)
    return Run(
        part=part.name,
        agreement=proportion(int(same.sum()), len(part)),
        gap=float((answers - preview).abs().max()),
        step=output_step(compressed),
        accuracy=UNMEASURED if unknown else proportion(int(right.sum()), len(part)),
        per_class=() if unknown else recalls(right, part.y, len(compressed.network.labels)),
        latency=compare(lambda: before(x), lambda: after(x)),
    )


def samples(network: Network, available: int) -> int:
    """Return on how many test samples a file is compared: all, or what the budget allows."""
    affordable = max(FEWEST_SAMPLES, int(BUDGET / max(network.macs, 1)))
    return min(available, affordable)


def output_step(compressed: Compressed) -> float | None:
    """Return the difference of two neighbouring outputs, where outputs are rounded."""
    grid = output_grid(compressed.graph)
    return None if grid is None else float(grid.scale)


@lru_cache(maxsize=8)
def original_runner(network: Network, target: Target) -> Runner:
    """Return the original in float32 in the runtime of *target*: what speed is measured against."""
    assert target.open is not None
    untouched = compress(network, Recipe())
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"original{target.suffix}"
        target.write(untouched, path)
        return target.open(path, untouched)


def _answers(runner: Runner, part: Part) -> Iterator[Tensor]:
    with torch.inference_mode():
        for x, _ in part.batches(BATCH):
            yield runner(x)


def _proof(
    compressed: Compressed, target: Target, path: Path, written: Written, run: Run | None
) -> Proof:
    content = path.read_bytes()
    return Proof(
        target=target.name,
        file=path.name,
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
        runtime=f"{target.runtime} {version(target.package).partition('+')[0]}",
        weights=written.weights,
        arithmetic=written.arithmetic,
        floats=written.floats,
        remark=written.remark,
        speed=_speed(compressed, target, written, run),
        run=run,
    )


def _speed(compressed: Compressed, target: Target, written: Written, run: Run | None) -> str:
    if run is None:
        return f"Not run here: this system has no {target.runtime}."
    facts = Facts(
        integers="integers" in written.arithmetic,
        rounds=written.rounds,
        floats=written.floats,
        fewer_bits=bool(compressed.weight_grids),
        zeros=bool(compressed.masks),
    )
    return speed_sentence(run.latency, target.runtime, facts)


def _file_name(name: str) -> str:
    """Return *name* without what file systems do not like."""
    return sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "network"
