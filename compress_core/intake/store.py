"""Samples in files, one for each part: written in any order, never two copies, mapped to read."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.listing import PARTS, Array, Codes, Listing
from compress_core.intake.match import Matching
from compress_core.intake.split import order
from compress_core.intake.survey import LISTED, Broken
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError

MANIFEST = "manifest.json"
PROGRESS = "progress.json"
"""In the folder while it is written: {"done": samples, "of": samples}."""
_EVERY = 0.5
"""Seconds from one note of progress to the next."""
_SPARE = 256 << 20
"""Bytes that must stay free on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the files of a folder hold: for each part *x* and, where there are labels, *y*."""

    kind: str
    shape: tuple[int, ...]
    dtype: str
    sizes: tuple[int, int, int]
    labels: tuple[str, ...]
    labelled: bool
    broken: tuple[Broken, ...]
    broken_count: int

    @staticmethod
    def read(folder: Path) -> "Manifest":
        """Read what `write_parts` left."""
        value: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        sizes = value["sizes"]
        return Manifest(
            **{
                **value,
                "shape": tuple(value["shape"]),
                "sizes": (sizes[0], sizes[1], sizes[2]),
                "labels": tuple(value["labels"]),
                "broken": tuple(Broken(**broken) for broken in value["broken"]),
            }
        )


@dataclass(slots=True)
class _Part:
    """Where the samples of a part go: their numbers by slot, and the slots that stayed empty."""

    numbers: NDArray[np.int64]
    holes: list[int]


def write_parts(
    folder: Path,
    listing: Listing,
    matching: Matching,
    chosen: NDArray[np.int64],
    parts: Codes,
    seed: int,
    wanted: Wanted,
) -> None:
    """
    Read the *chosen* samples and write them, shuffled, to a file for each of their *parts*.

    Samples that cannot be read are named in the manifest and are in no file.
    """
    stride = wanted.size * np.dtype(listing.dtype).itemsize
    _check_room(folder, len(chosen) * stride)
    shares = [_Part(chosen[order(parts, part, seed)], []) for part in range(3)]
    part_of = np.zeros(len(listing), np.int8)
    slot_of = np.zeros(len(listing), np.int64)
    for index, share in enumerate(shares):
        part_of[share.numbers] = index
        slot_of[share.numbers] = np.arange(len(share.numbers))
    broken = [Broken(name=listing.names(i), reason=r) for i, r in sorted(listing.refused.items())]
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"{name}.x").open("w+b")) for name in PARTS]
        for number, values in _noted(listing, chosen, folder):
            part, slot = int(part_of[number]), int(slot_of[number])
            if isinstance(values, str):
                shares[part].holes.append(slot)
                broken.append(Broken(name=listing.names(number), reason=values))
            else:
                files[part].seek(slot * stride)
                files[part].write(values.tobytes())
        for file, share in zip(files, shares, strict=True):
            _close_holes(file, share, stride)
    sizes = tuple(len(share.numbers) for share in shares)
    if not sum(sizes):
        first = f"{broken[0].name} cannot be read: {broken[0].reason}" if broken else "none is left"
        raise IntakeError(f"None of the {len(listing):,} samples can be used; {first}.")
    indexes = np.array(matching.indexes, np.int64)
    for name, share in zip(PARTS, shares, strict=True):
        if listing.labelled:
            (folder / f"{name}.y").write_bytes(indexes[listing.classes[share.numbers]].tobytes())
    manifest = Manifest(
        kind=listing.kind,
        shape=wanted.shape,
        dtype=listing.dtype,
        sizes=(sizes[0], sizes[1], sizes[2]),
        labels=matching.labels if listing.labelled else wanted.labels,
        labelled=listing.labelled,
        broken=tuple(broken[:LISTED]),
        broken_count=len(broken),
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest)), encoding="utf-8")
    (folder / PROGRESS).unlink(missing_ok=True)


def _noted(
    listing: Listing, chosen: NDArray[np.int64], folder: Path
) -> Iterator[tuple[int, Array | str]]:
    """Yield what the listing reads and note in the folder how far it is."""
    noted = monotonic()
    for done, found in enumerate(listing.read(chosen)):
        yield found
        if monotonic() - noted > _EVERY:
            noted = monotonic()
            text = json.dumps({"done": done + 1, "of": len(chosen)})
            (folder / f"{PROGRESS}.new").write_text(text)
            os.replace(folder / f"{PROGRESS}.new", folder / PROGRESS)


def _close_holes(file: Any, share: _Part, stride: int) -> None:
    """Move the last samples into the slots of those that could not be read."""
    empty = set(share.holes)
    last = len(share.numbers) - 1
    for hole in sorted(empty):
        while last in empty:
            last -= 1
        if hole >= last:
            break
        file.seek(last * stride)
        values = file.read(stride)
        file.seek(hole * stride)
        file.write(values)
        share.numbers[hole] = share.numbers[last]
        last -= 1
    share.numbers = share.numbers[: len(share.numbers) - len(empty)]
    file.truncate(len(share.numbers) * stride)


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free - _SPARE
    if needed > free:
        raise IntakeError(
            f"As the network reads them, the samples take {needed / 1e9:,.1f} GB, and "
            f"{max(0, free) / 1e9:,.1f} GB are free on this disk; make room or choose fewer."
        )
