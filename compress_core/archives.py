"""What a zip may be that somebody brings: checked once, before anything in it is read."""

import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from compress_core.refusal import IntakeError

RATIO_FROM = 1 << 20
"""Bytes that may always be unpacked, however well they were packed."""
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:|\\|\x00")
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a zip may hold at most."""

    parts: int
    depth: int
    """Folders in each other."""
    unpacked: int
    """Bytes of all parts together."""
    ratio: int
    """Bytes that one byte may become, of a part or of the whole."""


NETWORK = Allowed(parts=50_000, depth=16, unpacked=64 << 30, ratio=100)
"""Weights hardly pack."""
DATA = Allowed(parts=1_000_000, depth=16, unpacked=32 << 30, ratio=300)
"""Tables and plain pictures pack well."""


def open_zip(path: Path, allowed: Allowed) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """Open a zip; returns it and its files. Raises IntakeError when it is damaged or does harm."""
    try:
        file = zipfile.ZipFile(path)
    except (
        zipfile.BadZipFile, EOFError, OSError, ValueError, OverflowError, RuntimeError
    ) as error:  # fmt: skip
        raise IntakeError("This archive is damaged or cut short; copy it again.") from error
    try:
        _check(file.infolist(), path.stat().st_size, allowed)
    except BaseException:
        file.close()
        raise
    return file, [entry for entry in file.infolist() if not entry.is_dir()]


def check_depth(name: str, allowed: Allowed) -> None:
    """Raise IntakeError for a name with too many folders."""
    if name.count("/") > allowed.depth:
        raise IntakeError(f"Folders lie more than {allowed.depth} deep in each other.")


def _check(entries: list[zipfile.ZipInfo], size: int, allowed: Allowed) -> None:
    if len(entries) > allowed.parts:
        raise IntakeError(
            f"This archive has {len(entries):,} parts; at most {allowed.parts:,} are read."
        )
    for entry in entries:
        _check_entry(entry, allowed)
    _check_twins(entry.filename for entry in entries)
    unpacked = sum(entry.file_size for entry in entries)
    _check_ratio(unpacked, size, allowed)
    if unpacked > allowed.unpacked:
        raise IntakeError(
            f"Unpacked, this archive would be larger than {allowed.unpacked >> 30} GiB; bring less."
        )


def _check_entry(entry: zipfile.ZipInfo, allowed: Allowed) -> None:
    name = repr(entry.filename[:60])
    if _OUTSIDE.search(entry.filename):
        raise IntakeError(
            f"This archive wants to write outside its folder ({name}); it was not opened."
        )
    check_depth(entry.filename, allowed)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise IntakeError(f"This archive holds a link ({name}); it was not opened.")
    if entry.flag_bits & _ENCRYPTED:
        raise IntakeError("The zip is locked with a password; pack it without one.")
    if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
        raise IntakeError("This archive contradicts itself about the size of its parts.")
    _check_ratio(entry.file_size, entry.compress_size, allowed)


def _check_ratio(unpacked: int, size: int, allowed: Allowed) -> None:
    if unpacked > max(RATIO_FROM, allowed.ratio * size):
        raise IntakeError(
            f"This archive would unpack to {unpacked:,} bytes, {unpacked // max(1, size):,} times "
            "its size; it is made to fill the disk and was not opened."
        )


def _check_twins(names: Iterable[str]) -> None:
    if max(Counter(names).values(), default=1) > 1:
        raise IntakeError("This archive has two parts of the same name; it was not opened.")
