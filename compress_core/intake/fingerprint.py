"""What a data set is, whatever it is called and wherever it lies: a hash of all its bytes."""

from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

from compress_core.intake.tree import Tree
from compress_core.refusal import IntakeError


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of a folder; hexadecimal."""
    if not path.is_dir():
        return _of_file(path, *_state(path))
    found = sha256()
    for entry in Tree(path).entries:
        inner = path / entry.name
        found.update(f"{entry.name}\0{_of_file(inner, *_state(inner))}\n".encode())
    return found.hexdigest()


def lot(path: Path) -> int:
    """
    Return the number that lots are drawn with: it hangs on what a data set holds and no more.

    Of a zip it is 0 here: what lies in it is for `contents` to say, where nothing can be harmed.
    """
    return 0 if _is_zip(path) else int(fingerprint(path)[:12], 16)


def contents(path: Path) -> int:
    """
    Return a number for the names, sizes and checksums of the files in a zip; 0 for all else.

    When a zip was packed, in what order and how tightly, changes nothing.
    """
    if not _is_zip(path):
        return 0
    try:
        with ZipFile(path) as file:
            held = sorted((e.filename, e.file_size, e.CRC) for e in file.infolist())
    except (BadZipFile, ValueError, OverflowError, RuntimeError):
        return 0  # it is refused elsewhere, with a sentence
    return int(sha256(repr(held).encode()).hexdigest()[:12], 16)


def _is_zip(path: Path) -> bool:
    return path.is_file() and is_zipfile(path)


def _state(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError as error:
        raise IntakeError(f"{path.name} is not there, or may not be read.") from error
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=4096)
def _of_file(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
