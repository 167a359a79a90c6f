"""
The shelf: files that were made and run, each with its proof. Knows nothing of Streamlit.

It lies in a temporary folder, holds a few and is empty when the app starts again: a proof tells of
this machine and these runtimes.
"""

import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING
from weakref import finalize

if TYPE_CHECKING:
    from compress_core.proof import Proof

MOST = 36
"""Files that are kept; then the one that was made first has to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file on the shelf."""

    proof: "Proof"
    path: Path


class Shelf:
    """Files by name; many sessions may ask, and one file at a time is made."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="fitting-room-exports-"))
        self._made: OrderedDict[str, Made] = OrderedDict()
        self._one_at_a_time = Lock()
        finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def get(self, name: str) -> Made | None:
        """Return the file called *name*, or None when it was not made or is gone."""
        made = self._made.get(name)
        return made if made and made.path.is_file() else None

    def put(self, name: str, make: Callable[[Path], "Proof"]) -> Made:
        """Let *make* write a file into a folder, unless it is here; what it raises comes out."""
        with self._one_at_a_time:
            if made := self.get(name):
                return made
            self.folder.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up
            folder = Path(mkdtemp(dir=self.folder))
            try:
                proof = make(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            made = self._made[name] = Made(proof=proof, path=folder / proof.file)
            while len(self._made) > MOST:
                _, oldest = self._made.popitem(last=False)
                shutil.rmtree(oldest.path.parent, ignore_errors=True)
            return made
