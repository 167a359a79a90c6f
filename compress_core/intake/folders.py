"""Pictures or sounds in folders: the folder is the class, folders on top of it may be parts."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Choices
from compress_core.intake.listing import (
    NONE,
    PART_NAMES,
    Array,
    Codes,
    Listing,
    encode,
    encode_groups,
)
from compress_core.intake.pictures import decode_picture
from compress_core.intake.recognise import Content, content_of
from compress_core.intake.sounds import decode_sound, dtype_of, rate_of
from compress_core.intake.tree import Tree
from compress_core.intake.wanted import Wanted, shown
from compress_core.refusal import IntakeError


def list_folders(tree: Tree, wanted: Wanted, choices: Choices) -> Listing:
    """List the pictures or sounds of a folder, a zip or a single file."""
    kinds = {entry.name: content_of(tree, entry.name) for entry in tree.entries}
    count = Counter(kinds.values())
    kind: Content = "sound" if count["sound"] > count["picture"] else "picture"
    names = [name for name in kinds if kinds[name] == kind]
    if not names:
        raise IntakeError("There are no pictures and no WAV sounds in it.")
    others = [name for name in kinds if kinds[name] != kind]
    check_reads(kind, wanted)
    return _listed(names, kind, tree, wanted, choices, _notes(kind, others, wanted, choices))


def check_reads(kind: Content, wanted: Wanted) -> None:
    """Raise IntakeError where the network cannot read pictures, or sounds."""
    if kind == "picture" and not wanted.picture:
        raise IntakeError(
            f"These are pictures, but the network reads {shown(wanted.shape)} values for each "
            "sample, not channels × height × width."
        )
    if kind == "sound" and not wanted.wave and wanted.spectrum is None:
        raise IntakeError(
            f"These are sounds, but the network reads {shown(wanted.shape)} values for each "
            "sample, neither a wave nor a spectrum of one channel."
        )


def read_files(
    tree: Tree, names: list[str], kind: Content, wanted: Wanted, choices: Choices
) -> "_Files":
    """Return what reads the named files one by one."""
    return _Files(tree, names, kind, wanted, choices)


class _Files:
    def __init__(
        self, tree: Tree, names: list[str], kind: Content, wanted: Wanted, choices: Choices
    ) -> None:
        self.tree, self.names, self.wanted, self.choices = tree, names, wanted, choices
        self.decode = decode_sound if kind == "sound" else decode_picture

    def __call__(self, chosen: NDArray[np.int64]) -> Iterator[tuple[int, Array | str]]:
        for number in chosen.tolist():
            try:
                raw = self.tree.read(self.names[number])
                yield number, self.decode(raw, self.wanted, self.choices)
            except IntakeError as error:
                yield number, str(error)
            except MemoryError:
                raise
            except Exception:  # a damaged zip raises whatever its bytes lead to
                yield number, "its bytes in the zip are damaged"


def stored_as(kind: Content, wanted: Wanted) -> str:
    """Return the dtype of the samples."""
    return dtype_of(wanted) if kind == "sound" else "uint8"


def _listed(
    names: list[str],
    kind: Content,
    tree: Tree,
    wanted: Wanted,
    choices: Choices,
    notes: tuple[str, ...],
) -> Listing:
    folders, parts = _parts([name.split("/")[:-1] for name in names])
    labelled = choices.label != "" and any(folders)
    refused = {
        number: "it lies in no class folder, the others do"
        for number, folder in enumerate(folders)
        if labelled and not folder
    }
    classes, class_names = encode([f[0] if f and labelled else None for f in folders])
    groups, grouped_by = _groups(names, folders, choices)
    if grouped_by == "folder":
        notes = (*notes, "Files in one folder below the class stay in one part.")
    return Listing(
        kind="sounds" if kind == "sound" else "pictures",
        names=names.__getitem__,
        classes=classes,
        class_names=class_names,
        parts=parts,
        groups=groups,
        grouped_by=grouped_by,
        dtype=stored_as(kind, wanted),
        read=read_files(tree, names, kind, wanted, choices),
        refused=refused,
        notes=notes,
    )


def _parts(folders: list[list[str]]) -> tuple[list[list[str]], Codes]:
    """Return the folders below those of parts, and the part of each file."""
    while True:
        tops = {folder[0] if folder else None for folder in folders}
        if None not in tops and all(str(top).lower() in PART_NAMES for top in tops):
            parts = [PART_NAMES[folder[0].lower()] for folder in folders]
            return [folder[1:] for folder in folders], np.array(parts, np.int32)
        # One folder around everything is how zips are packed; it is no class.
        if len(tops) > 1 or None in tops:
            return folders, np.full(len(folders), NONE, np.int32)
        folders = [folder[1:] for folder in folders]


def _groups(
    names: list[str], folders: list[list[str]], choices: Choices
) -> tuple[Codes | None, str]:
    if choices.group == "prefix":
        found = (name.rpartition("/")[2].rpartition(".")[0] for name in names)
        return encode_groups([name.replace("-", "_").partition("_")[0] for name in found]), "prefix"
    below = ["/".join(folder[1:]) for folder in folders]
    by_folder = choices.group == "folder" or (choices.group is None and len(set(below)) > 1)
    if not by_folder:
        return None, ""
    # The same name below two classes is the same person seen twice.
    loose = [group or f"\x00{number}" for number, group in enumerate(below)]
    return encode_groups(loose), "folder"


def _notes(kind: Content, others: list[str], wanted: Wanted, choices: Choices) -> tuple[str, ...]:
    notes = []
    if others:
        shown_names = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        notes.append(f"Not read, as they are something else: {shown_names}.")
    if kind == "sound":
        how = "as they were recorded" if wanted.wave else "as pictures of sound (log-mel)"
        notes.append(f"Sounds are read {how}, {rate_of(wanted, choices):,} samples a second.")
    return tuple(notes)
