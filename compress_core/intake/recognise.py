"""What a file is, by what it holds; its name decides nothing but the kind of files in a zip."""

from pathlib import Path
from typing import Literal

from compress_core.intake.tree import Tree
from compress_core.refusal import IntakeError

Format = Literal["folders", "delimited", "parquet", "arrays"]
Content = Literal["picture", "sound", "table", "array", "parquet", "other"]

_MAGIC: tuple[tuple[bytes, Content], ...] = (
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"BM", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"\x93NUMPY", "array"),
    (b"PAR1", "parquet"),
)
_SUFFIXES: dict[str, Content] = {
    "png": "picture", "jpg": "picture", "jpeg": "picture", "jpe": "picture", "jfif": "picture",
    "gif": "picture", "bmp": "picture", "tif": "picture", "tiff": "picture", "webp": "picture",
    "pgm": "picture", "ppm": "picture", "pbm": "picture", "pnm": "picture",
    "wav": "sound", "wave": "sound",
    "csv": "table", "tsv": "table",
    "npy": "array",
    "parquet": "parquet",
}  # fmt: skip
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "a gzip or tar.gz archive; pack the files as a zip"),
    (b"BZh", "a bzip2 archive; pack the files as a zip"),
    (b"\xfd7zXZ", "an xz archive; pack the files as a zip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; pack the files as a zip"),
    (b"Rar!", "a rar archive; pack the files as a zip"),
    (b"\x89HDF", "an HDF5 file; save its arrays with numpy.savez"),
    (b"SQLite format 3", "a database; export its table as CSV"),
    (b"%PDF", "a PDF document; export its pictures or its table"),
    (b"\xd0\xcf\x11\xe0", "an old Office document; export its table as CSV"),
    (b"fLaC", "a FLAC sound; convert it to WAV"),
    (b"OggS", "an Ogg sound; convert it to WAV"),
    (b"ID3", "an MP3 sound; convert it to WAV"),
    (b"\x80\x02", "a Python pickle, and loading one runs code; save its arrays with numpy.savez"),
    (b"\x80\x03", "a Python pickle, and loading one runs code; save its arrays with numpy.savez"),
    (b"\x80\x04", "a Python pickle, and loading one runs code; save its arrays with numpy.savez"),
    (b"\x80\x05", "a Python pickle, and loading one runs code; save its arrays with numpy.savez"),
)
_IN_OFFICE = {"[Content_Types].xml": "an Office document; export its table as CSV"}
_CAN_BE_READ = (
    "A zip of pictures or WAV sounds with one folder for each class, CSV, .npz, .parquet, "
    "and single pictures can be read."
)


def recognise(path: Path, tree: Tree) -> Format:
    """Return what a file or folder is; raises IntakeError with what would do instead."""
    if not tree.entries:
        raise IntakeError(f"{path.name} holds no files. {_CAN_BE_READ}")
    if path.is_dir() or tree.zip is not None:
        return _in_tree(path, tree)
    head = _head(tree, tree.entries[0].name)
    if not head:
        raise IntakeError(f"{path.name} is empty; nothing was uploaded, or the upload broke off.")
    for magic, words in _REFUSED:
        if head.startswith(magic):
            raise IntakeError(f"{path.name} is {words}.")
    return _FORMAT_OF[_content(head, path.name)]


def content_of(tree: Tree, name: str) -> Content:
    """Return what an entry is: by its suffix where that is known, else by its first bytes."""
    suffix = name.rpartition(".")[2].lower()
    return _SUFFIXES.get(suffix) or _magic(_head(tree, name)) or "other"


def _in_tree(path: Path, tree: Tree) -> Format:
    names = {entry.name for entry in tree.entries}
    for name, words in _IN_OFFICE.items():
        if name in names:
            raise IntakeError(f"{path.name} is {words}.")
    if any(name.endswith("data.pkl") for name in names):
        raise IntakeError(f"{path.name} holds a saved network, no data; open it as a network.")
    kinds = {content_of(tree, name) for name in names}
    if kinds == {"array"}:
        return "arrays"
    if kinds & {"picture", "sound", "table"}:
        return "folders"
    if kinds & {"parquet"} and len(names) == 1:
        raise IntakeError(f"{path.name} packs one .parquet; upload that file itself.")
    raise IntakeError(f"Nothing in {path.name} can be read. {_CAN_BE_READ}")


def _content(head: bytes, name: str) -> Content:
    if known := _magic(head):
        return known
    if b"\x00" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "table"
    raise IntakeError(f"{name} is of an unknown kind. {_CAN_BE_READ}")


def _magic(head: bytes) -> Content | None:
    if head[:4] == b"RIFF":
        return {b"WAVE": "sound", b"WEBP": "picture"}.get(head[8:12])  # type: ignore[return-value]
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "picture"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def _head(tree: Tree, name: str) -> bytes:
    with tree.open(name) as file:
        return file.read(4096)


_FORMAT_OF: dict[Content, Format] = {
    "picture": "folders",
    "sound": "folders",
    "table": "delimited",
    "array": "arrays",
    "parquet": "parquet",
}
