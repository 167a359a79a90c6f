"""Files in a folder or a zip, by name: nothing is unpacked, nothing outside can be reached."""

import os
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from compress_core.intake.limits import (
    MOST_DEPTH,
    MOST_ENTRIES,
    MOST_RATIO,
    MOST_SAMPLE,
    MOST_UNPACKED,
    RATIO_FROM,
)
from compress_core.refusal import IntakeError

_LEFT_BY_SYSTEMS = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:|\\|\x00")
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its name with / between folders, and its bytes when unpacked."""

    name: str
    size: int


class Tree:
    """Entries in the order of their names, and what they hold."""

    def __init__(self, path: Path) -> None:
        """Look at a folder, a zip or one file. Raises IntakeError for whatever is not safe."""
        self.zip: zipfile.ZipFile | None = None
        self.root = path
        if path.is_dir():
            found = list(_walk(path))
        elif zipfile.is_zipfile(path):
            found = list(self._open_zip(path))
        else:
            self.root = path.parent
            found = [Entry(path.name, path.stat().st_size)]
        self.entries = sorted(found, key=lambda entry: entry.name)

    def open(self, name: str) -> IO[bytes]:
        """Open an entry for reading from its start."""
        return self.zip.open(name) if self.zip else (self.root / name).open("rb")

    def read(self, name: str, most: int = MOST_SAMPLE) -> bytes:
        """Return the bytes of an entry; raises IntakeError when there are more than *most*."""
        with self.open(name) as file:
            raw = file.read(most + 1)
        if len(raw) > most:
            raise IntakeError(f"it is larger than {most >> 20} MiB")
        return raw

    def close(self) -> None:
        """Close the zip, if it is one."""
        if self.zip:
            self.zip.close()

    def _open_zip(self, path: Path) -> Iterator[Entry]:
        try:
            self.zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, OverflowError, RuntimeError) as error:
            raise IntakeError(f"{path.name} is a damaged zip ({error}); pack it again.") from error
        infos = self.zip.infolist()
        _check_count(len(infos))
        names: set[str] = set()
        unpacked = 0
        for info in infos:
            _check_zipped(info)
            unpacked += info.file_size
            if unpacked > MOST_UNPACKED:
                raise IntakeError(
                    f"Unpacked, {path.name} would be larger than {MOST_UNPACKED >> 30} GiB; "
                    "choose fewer samples."
                )
            if info.is_dir() or _LEFT_BY_SYSTEMS.search(info.filename):
                continue
            if info.filename in names:
                raise IntakeError(f"{path.name} holds {info.filename} twice; pack it again.")
            names.add(info.filename)
            yield Entry(info.filename, info.file_size)


def _check_zipped(info: zipfile.ZipInfo) -> None:
    name = info.filename
    _check_name(name)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise IntakeError(f"The zip holds a link, {name}; pack the file that it points to.")
    if info.flag_bits & _ENCRYPTED:
        raise IntakeError("The zip is locked with a password; pack it without one.")
    if info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * max(1, info.compress_size):
        raise IntakeError(
            f"{name} would unpack to {info.file_size / max(1, info.compress_size):,.0f} times its "
            "size, as data never do; the zip was refused."
        )


def _check_name(name: str) -> None:
    if _OUTSIDE.search(name):
        raise IntakeError(
            f"The zip holds a file whose name leads outside it, {name!r}; pack it again."
        )
    if name.count("/") > MOST_DEPTH:
        raise IntakeError(f"Folders lie more than {MOST_DEPTH} deep in each other.")


def _check_count(count: int) -> None:
    if count > MOST_ENTRIES:
        raise IntakeError(f"There are more than {MOST_ENTRIES:,} files; choose fewer samples.")


def _walk(root: Path, inside: str = "", depth: int = 0) -> Iterator[Entry]:
    if depth > MOST_DEPTH:
        raise IntakeError(f"Folders lie more than {MOST_DEPTH} deep in each other.")
    with os.scandir(root / inside) as found:
        for count, item in enumerate(found):
            _check_count(count)
            name = f"{inside}/{item.name}" if inside else item.name
            if _LEFT_BY_SYSTEMS.search(item.name):
                continue
            if item.is_symlink():
                raise IntakeError(f"The folder holds a link, {name}; put the file itself there.")
            if item.is_dir():
                yield from _walk(root, name, depth + 1)
            elif item.is_file():
                yield Entry(name, item.stat().st_size)
