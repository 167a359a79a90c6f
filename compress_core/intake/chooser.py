"""Files on the machine of the app: only in the folder that its owner names, only at home."""

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from compress_core.refusal import IntakeError

VARIABLE = "FITTING_ROOM_FOLDER"
_LISTED = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file or folder to choose: its path inside the folder, and its bytes (0 for folders)."""

    path: str
    folder: bool
    size: int


def folder_to_choose_from(address: str) -> Path | None:
    """
    Return the folder that FITTING_ROOM_FOLDER names, or None where nothing may be chosen.

    *address* is where the app listens: beyond localhost, whoever visits would see this machine.
    """
    named = os.environ.get(VARIABLE)
    if not named or not is_local(address):
        return None
    folder = Path(named).expanduser().resolve()
    return folder if folder.is_dir() else None


def is_local(address: str) -> bool:
    """Tell whether only this machine reaches an address; an empty one means: all machines do."""
    if address.lower() == "localhost":
        return True
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def list_items(folder: Path, inside: str = "") -> tuple[Item, ...]:
    """
    Return what lies in *inside*, a path in *folder*, folders first; no links that leave it.

    Raises IntakeError when *inside* is not in the folder, or holds too much to show.
    """
    here = choose(folder, inside)
    if not here.is_dir():
        raise IntakeError(f"{inside} is no folder.")
    found = []
    for path in here.iterdir():
        real = path.resolve()
        if path.name.startswith(".") or not real.is_relative_to(folder.resolve()):
            continue
        if real.is_dir() or real.is_file():
            size = real.stat().st_size if real.is_file() else 0
            shown = path.relative_to(folder.resolve()).as_posix()
            found.append(Item(path=shown, folder=real.is_dir(), size=size))
    if len(found) > _LISTED:
        raise IntakeError(
            f"{inside or 'The folder'} holds {len(found):,} files, too many to list; choose the "
            "folder itself, or put them into folders."
        )
    return tuple(sorted(found, key=lambda item: (not item.folder, item.path.lower())))


def choose(folder: Path, inside: str) -> Path:
    """
    Return the real path of *inside*, a path in *folder*.

    Raises IntakeError when it leaves the folder, by dots, by a link or as an absolute path, or is
    not there.
    """
    root = folder.resolve()
    if "\0" in inside:
        raise IntakeError("A path cannot hold the character NUL.")
    real = (root / inside).resolve()
    if not real.is_relative_to(root):
        raise IntakeError(f"{inside} lies outside the folder that may be read.")
    if not real.exists():
        raise IntakeError(f"{inside} is not there any more.")
    return real
