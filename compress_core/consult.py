"""
What the clinic says of a file, without opening it in this process.

    python -m compress_core.consult FOLDER FILE INPUT_SHAPE ROWS

in a confined process: without rows it examines the file (`findings.json`), with rows it builds the
plain network that they describe from the file's weights, and hands it over.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from compress_core.clinic import Findings, examine
from compress_core.data import Part
from compress_core.evaluate import evaluate
from compress_core.handover import hand_over, take_over
from compress_core.importers import infer, state_dict
from compress_core.importers.agreement import samples
from compress_core.importers.formats import recognise
from compress_core.importers.load_network import load_network
from compress_core.importers.reading import Found, check, sentences
from compress_core.network import Network, from_graph, from_module
from compress_core.refusal import IntakeError, NeedsArchitecture, NeedsShape
from compress_core.sandbox import Limits, confine, run_apart

FINDINGS = "findings.json"
MOST_WEIGHED = 12
"""Sequences of layers that are tried on samples: each is built in a process of its own."""
Rows = Sequence[infer.Row]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Opinion:
    """What a file is; and the network in it, or why it cannot be built without an answer."""

    findings: Findings
    network: Network | None = None
    missing: str = ""


def consult(
    path: Path,
    input_shape: tuple[int, ...] | None = None,
    rows: Rows | None = None,
    limits: Limits | None = None,
) -> Opinion:
    """
    Return what is found in a file, and the network if nothing has to be asked.

    *input_shape* and *rows* are what a person answered. Raises IntakeError, in one sentence, for
    what cannot be taken in.
    """
    limits = limits or Limits()
    findings = _examine(path, input_shape, limits)
    if rows:
        return Opinion(findings=findings, network=_build(path, input_shape, rows, limits))
    try:
        return Opinion(findings=findings, network=load_network(path, input_shape, limits))
    except (NeedsShape, NeedsArchitecture) as error:
        # With a shape, the clinic has tried to guess; its last remark is why it could not.
        tried = input_shape is not None and findings.remarks and not findings.proposals
        return Opinion(findings=findings, missing=findings.remarks[-1] if tried else str(error))


def weigh(
    path: Path,
    input_shape: tuple[int, ...],
    candidates: Sequence[Rows],
    part: Part,
    limits: Limits | None = None,
) -> tuple[float, ...]:
    """
    Return the share of the samples of *part* that each candidate names rightly.

    At most `MOST_WEIGHED`, the likeliest; 0 for one whose layers do not fit on each other.
    """
    shares = []
    for rows in candidates[:MOST_WEIGHED]:
        try:
            network = _build(path, input_shape, rows, limits or Limits())
        except IntakeError:
            shares.append(0.0)
        else:
            shares.append(evaluate(network, part).accuracy.value)
    return tuple(shares)


def _examine(path: Path, input_shape: tuple[int, ...] | None, limits: Limits) -> Findings:
    if recognise(path) != "state_dict":
        return examine(path, input_shape)
    with _folder() as folder:
        run_apart(_MODULE, _asked(path, input_shape, None), Path(folder), limits)
        return _findings(json.loads((Path(folder) / FINDINGS).read_text(encoding="utf-8")))


def _build(path: Path, shape: tuple[int, ...] | None, rows: Rows, limits: Limits) -> Network:
    with _folder() as folder:
        run_apart(_MODULE, _asked(path, shape, rows), Path(folder), limits)
        return take_over(Path(folder))


_MODULE = "compress_core.consult"


def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="fitting-room-", ignore_cleanup_errors=True)


def _asked(path: Path, shape: tuple[int, ...] | None, rows: Rows | None) -> list[str]:
    written = None if rows is None else [asdict(row) for row in rows]
    return [str(path.resolve()), json.dumps(shape), json.dumps(written)]


def _findings(value: dict[str, Any]) -> Findings:
    """Read what `asdict` and JSON made of findings."""
    shape = value["input_shape"]
    proposals = tuple(tuple(infer.Row(**row) for row in rows) for rows in value["proposals"])
    return Findings(
        **{
            **value,
            "input_shape": None if shape is None else tuple(shape),
            "proposals": proposals,
            "questions": tuple(value["questions"]),
            "remarks": tuple(value["remarks"]),
        }
    )


def build(path: Path, shape: tuple[int, ...], rows: Rows, folder: Path) -> None:
    """Write the network that *rows* describe into *folder*; raises IntakeError."""
    tensors = state_dict.read_tensors(path, recognise(path))
    source = infer.build(rows, tensors)
    try:
        with torch.inference_mode():
            answer = source(samples(1, shape, None))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0][:160]
        raise IntakeError(f"These layers do not fit on each other: {reason}") from error
    if answer.dim() != 2:
        raise IntakeError("These layers do not end in one number for each class; add flatten.")
    network = from_module(source, shape, tuple(map(str, range(answer.shape[1]))), path.stem[:80])
    check(Found(module=network.module, input_shape=shape, run=source, batch=2))
    hand_over(from_graph(network.module, shape, network.labels, network.name), folder)


def main() -> None:
    """Do what the command line asks for."""
    folder, path, shape, rows = sys.argv[1:]
    given = json.loads(shape)
    asked = json.loads(rows)
    with sentences(Path(folder)):
        confine()
        torch.set_num_threads(1)
        if asked is None:
            found = asdict(examine(path, given and tuple(given)))
            (Path(folder) / FINDINGS).write_text(json.dumps(found), encoding="utf-8")
        else:
            build(Path(path), tuple(given), [infer.Row(**row) for row in asked], Path(folder))


if __name__ == "__main__":
    main()
