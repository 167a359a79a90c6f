"""Files in a folder or a zip, by name: nothing is unpacked, nothing outside can be reached."""

import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from compress_core.archives import DATA, check_depth, open_zip
from compress_core.intake.limits import MOST_SAMPLE
from compress_core.refusal import IntakeError

_LEFT_BY_SYSTEMS = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


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
        self.zip, infos = open_zip(path, DATA)
        for info in infos:
            if not _LEFT_BY_SYSTEMS.search(info.filename):
                yield Entry(info.filename, info.file_size)


def _check_count(count: int) -> None:
    if count > DATA.parts:
        raise IntakeError(f"There are more than {DATA.parts:,} files; choose fewer samples.")


def _walk(root: Path, inside: str = "") -> Iterator[Entry]:
    check_depth(f"{inside}/" if inside else "", DATA)
    with os.scandir(root / inside) as found:
        for count, item in enumerate(found):
            _check_count(count)
            name = f"{inside}/{item.name}" if inside else item.name
            if _LEFT_BY_SYSTEMS.search(item.name):
                continue
            if item.is_symlink():
                raise IntakeError(f"The folder holds a link, {name}; put the file itself there.")
            if item.is_dir():
                yield from _walk(root, name)
            elif item.is_file():
                yield Entry(name, item.stat().st_size)
