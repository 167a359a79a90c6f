"""A zip whose size, names and kinds are known to be harmless before anything is read from it."""

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from compress_core.refusal import IntakeError

MOST_ENTRIES = 50_000
MOST_RATIO = 100
"""Bytes that one byte of a file may become; weights hardly pack."""
RATIO_FROM = 1 << 20
MOST_TEXT = 64 << 20
"""Bytes of one part that is text."""


@dataclass(frozen=True, eq=False, slots=True)
class Archive:
    """An open zip; names are without the folder that everything lies in."""

    file: ZipFile
    entries: Mapping[str, ZipInfo]

    @property
    def names(self) -> list[str]:
        """Names of all parts."""
        return list(self.entries)

    def read(self, name: str, most: int = MOST_TEXT) -> bytes:
        """Return a part of at most so many bytes; raises IntakeError."""
        if name not in self.entries:
            raise IntakeError(f"This file lacks its part {shown(name)}; it is damaged.")
        entry = self.entries[name]
        if entry.file_size > most:
            raise IntakeError(f"The part {shown(name)} of this file is too large to be real.")
        try:
            return self.file.read(entry)
        except Exception as error:
            raise IntakeError(f"The part {shown(name)} of this file is damaged.") from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip; raises IntakeError when it is damaged or made to do harm."""
    try:
        with ZipFile(path) as file:
            yield Archive(file, _entries(file, path.stat().st_size))
    except (BadZipFile, EOFError, OSError, UnicodeDecodeError, ValueError, OverflowError) as error:
        if isinstance(error, IntakeError):
            raise
        raise IntakeError("This archive is damaged or cut short; copy it again.") from error
    except RuntimeError as error:
        raise IntakeError("This archive is packed in a way that is not read here.") from error


def shown(name: object) -> str:
    """Return a name from a file so that it can stand in a sentence."""
    text = "".join(c if c.isprintable() else "?" for c in str(name))
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _entries(file: ZipFile, size: int) -> dict[str, ZipInfo]:
    entries = file.infolist()
    if len(entries) > MOST_ENTRIES:
        raise IntakeError(f"This archive has {len(entries):,} parts; no network has so many.")
    for entry in entries:
        _check(entry)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max(RATIO_FROM, MOST_RATIO * size):
        raise IntakeError(
            f"This archive would unpack to {unpacked:,} bytes, {unpacked // size:,} times its "
            "size; it is made to fill the disk and was not opened."
        )
    kept = [entry for entry in entries if not entry.is_dir()]
    first = {entry.filename.partition("/")[0] for entry in kept if "/" in entry.filename}
    common = len(first) == 1 and all("/" in entry.filename for entry in kept)
    names = [e.filename.partition("/")[2] if common else e.filename for e in kept]
    if len(set(names)) != len(names):
        raise IntakeError("This archive has two parts of the same name; it was not opened.")
    return dict(zip(names, kept, strict=True))


def _check(entry: ZipInfo) -> None:
    name = entry.filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in name:
        raise IntakeError(
            f"This archive wants to write outside its folder ({shown(name)}); it was not opened."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise IntakeError(f"This archive holds a link ({shown(name)}); it was not opened.")
    if entry.flag_bits & 1:
        raise IntakeError("This archive is encrypted; save the network without a password.")
    if entry.compress_type == ZIP_STORED and entry.file_size != entry.compress_size:
        raise IntakeError("This archive contradicts itself about the size of its parts.")
