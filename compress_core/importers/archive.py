"""A zip whose size, names and kinds are known to be harmless before anything is read from it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import unpack
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import torch
from torch import Tensor

from compress_core.archives import NETWORK, open_zip
from compress_core.refusal import IntakeError

MOST_TEXT = 64 << 20
"""Bytes of one part that is text."""
ALIGNED = 16
"""Bytes; where a part starts elsewhere its values are not read in place."""
LENGTHS_AT = 26
"""Where the header before a part says how long its name and what follows it are."""


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

    def mapped(self, name: str) -> Tensor:
        """
        Return the bytes of a part as uint8; where they lie unpacked they are mapped, not read.

        Raises IntakeError when it is missing or damaged.
        """
        entry = self.entries.get(name)
        if entry is None or entry.compress_type != ZIP_STORED or not entry.file_size:
            # A bytearray: tensors on top of it may be written to.
            raw = bytearray(self.read(name, entry.file_size if entry else 0))
            return torch.frombuffer(raw, dtype=torch.uint8) if raw else torch.empty(0).byte()
        start = self._content(entry)
        if start % ALIGNED:
            return torch.frombuffer(bytearray(self.read(name, entry.file_size)), dtype=torch.uint8)
        whole = torch.from_file(
            str(self.file.filename), shared=False, size=start + entry.file_size, dtype=torch.uint8
        )
        return whole[start:]

    def _content(self, entry: ZipInfo) -> int:
        """Return where the bytes of a part start, after one look at all of them (checksum)."""
        try:
            with self.file.open(entry) as part:
                while part.read(1 << 20):
                    pass
            with Path(str(self.file.filename)).open("rb") as file:
                file.seek(entry.header_offset + LENGTHS_AT)
                name, extra = unpack("<HH", file.read(4))
        except Exception as error:
            raise IntakeError(
                f"The part {shown(entry.filename)} of this file is damaged."
            ) from error
        return int(entry.header_offset + LENGTHS_AT + 4 + name + extra)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip; raises IntakeError when it is damaged or made to do harm."""
    try:
        file, entries = open_zip(path, NETWORK)
        with file:
            yield Archive(file, _named(entries))
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


def _named(entries: list[ZipInfo]) -> dict[str, ZipInfo]:
    """Name parts without the folder that everything lies in."""
    first = {entry.filename.partition("/")[0] for entry in entries if "/" in entry.filename}
    common = len(first) == 1 and all("/" in entry.filename for entry in entries)
    return {e.filename.partition("/")[2] if common else e.filename: e for e in entries}
