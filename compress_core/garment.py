"""A network of somebody's own with its samples, in a folder of the wardrobe: written and read."""

import os
import shutil
from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import mkdtemp

import torch

from compress_core.data import Data, Part, PartName, mapped
from compress_core.handover import STRUCTURE, WEIGHTS, hand_over, take_over
from compress_core.network import Network
from compress_core.wardrobe import OWN, PICTURES, RECORD, Record, place, wardrobe

PARTS: tuple[PartName, PartName, PartName] = ("train", "validation", "test")


def hang_up(
    network: Network, record: Record, data: Data | None, samples: Path | None, pictures: bytes
) -> str:
    """
    Keep a network with its data and return its name; what is there already stays as it is.

    *samples* is the folder in which the parts of *data* lie as files; they are linked where that is
    possible and copied elsewhere. *pictures* is a PNG, or empty. Raises IntakeError when the
    network cannot be described, OSError when the disk is full.
    """
    wardrobe().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".new-", dir=wardrobe()))
    try:
        hand_over(network, folder)
        if data is not None and samples is not None:
            for part in (data.train, data.validation, data.test):
                _link(samples / f"{part.name}.x", folder / f"{part.name}.x")
                (folder / f"{part.name}.y").write_bytes(part.y.contiguous().numpy().tobytes())
        if pictures:
            (folder / PICTURES).write_bytes(pictures)
        name = f"{OWN}/{_digest(folder, record)[:12]}"
        (folder / RECORD).write_text(record.to_json(), encoding="utf-8")
        try:
            folder.rename(place(name))
        except OSError:
            if not (place(name) / RECORD).is_file():
                raise
        return name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load_own(name: str, record: Record) -> tuple[Network, Data]:
    """Return what `hang_up` kept; weights and samples are mapped. Raises IntakeError."""
    folder = place(name)
    network = replace(take_over(folder), mean=record.mean, std=record.std)
    return network, load_own_data(folder, record)


def load_own_data(folder: Path, record: Record) -> Data:
    """Return the samples alone; empty parts where there are none."""
    train, validation, test = (
        _part(folder, record, part, count)
        for part, count in zip(PARTS, record.samples, strict=True)
    )
    return Data(train=train, validation=validation, test=test, labels=record.labels)


def _part(folder: Path, record: Record, name: PartName, count: int) -> Part:
    dtype = getattr(torch, record.dtype or "float32")
    return Part(
        name=name,
        x=mapped(folder / f"{name}.x", (count, *record.input_shape), dtype),
        y=mapped(folder / f"{name}.y", (count,), torch.int64).clone(),
        mean=record.mean,
        std=record.std,
        against=record.against,
    )


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, so that large ones are not copied; copy it to another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _digest(folder: Path, record: Record) -> str:
    """Hash what decides about answers: structure, weights, samples, and how these are scaled."""
    digest = sha256(repr((record.title, record.mean, record.std, record.against)).encode())
    files = [STRUCTURE, WEIGHTS, *(f"{part}.{axis}" for part in PARTS for axis in "xy")]
    for path in (folder / each for each in files if (folder / each).is_file()):
        with path.open("rb") as file:
            digest.update(f"{path.name} {file_digest(file, 'sha256').hexdigest()} ".encode())
    return digest.hexdigest()
