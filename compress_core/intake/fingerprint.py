"""What a data set is, whatever it is called and wherever it lies: a hash of all its bytes."""

from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path

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
