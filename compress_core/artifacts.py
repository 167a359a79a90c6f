"""Files named by the hash of what they hold. Knows nothing of the runs that refer to them."""

import os
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile


class Artifacts:
    """A folder of immutable files; equal contents are kept once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Keep *data* and return its SHA-256; readers see the whole file or none."""
        digest = sha256(data).hexdigest()
        path = self._path(digest)
        if path.is_file():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                file.close()  # Windows renames closed files only
                os.replace(file.name, path)
            except BaseException:
                file.close()
                os.unlink(file.name)
                raise
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes with this hash; raises ValueError when they are gone or damaged."""
        path = self._path(digest)
        if not path.is_file():
            raise ValueError(f"Artifact {digest[:12]} is gone; run the recipe again.")
        data = path.read_bytes()
        if sha256(data).hexdigest() != digest:
            raise ValueError(f"Artifact {digest[:12]} is damaged; run the recipe again.")
        return data

    def remove(self, digest: str) -> None:
        """Delete the file with this hash, if it is there."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError(f"{digest!r} is not a SHA-256 in hexadecimal digits.")
        return self.folder / digest[:2] / digest
