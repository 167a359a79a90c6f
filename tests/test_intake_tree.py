import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from compress_core.intake.choices import Choices
from compress_core.intake.open_data import open_data
from compress_core.intake.tree import Tree
from compress_core.refusal import IntakeError
from tests.uploads import classes_of, pack, shade, sound, survey, values_of, wanted

GREY = wanted(1, 8, 8)


def test_the_folder_is_the_class(tmp_path: Path) -> None:
    files = {"cat/1.png": shade(1), "dog/2.png": shade(2)}
    left = {"__MACOSX/cat/._1.png": b"x", "cat/.DS_Store": b"x", "dog/Thumbs.db": b"x"}
    path = pack(tmp_path / "a.zip", files | left)
    assert classes_of(path, GREY) == ["cat", "dog"]
    assert [int(v.max()) for v in values_of(path, GREY)] == [1, 2]


def test_a_folder_on_the_disk_is_read_as_a_zip_of_it_is(tmp_path: Path) -> None:
    files = {"cat/1.png": shade(1), "dog/2.png": shade(2)}
    for name, raw in files.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True)
        (tmp_path / "f" / name).write_bytes(raw)
    packed = pack(tmp_path / "a.zip", files)
    assert classes_of(tmp_path / "f", GREY) == classes_of(packed, GREY) == ["cat", "dog"]


@pytest.mark.parametrize("top", ["", "data/", "my data/set/"])
def test_folders_of_parts_are_kept_wherever_they_lie(tmp_path: Path, top: str) -> None:
    names = ["train/cat/1", "train/dog/2", "Validation/cat/3", "test/dog/4"]
    path = pack(tmp_path / "a.zip", {f"{top}{name}.png": shade(1) for name in names})
    with open_data(path, GREY, Choices()) as listing:
        assert listing.class_names == ("cat", "dog")
        told = {listing.names(i): int(part) for i, part in enumerate(listing.parts)}
    assert told == {f"{top}{n}.png": p for n, p in zip(names, (0, 0, 1, 2), strict=True)}


def test_pictures_without_folders_have_no_labels(tmp_path: Path) -> None:
    flat = pack(tmp_path / "a.zip", {"1.png": shade(1), "2.png": shade(2)})
    around = pack(tmp_path / "b.zip", {"holiday/1.png": shade(1), "holiday/2.png": shade(2)})
    (tmp_path / "one.png").write_bytes(shade(3))
    for path, count in ((flat, 2), (around, 2), (tmp_path / "one.png", 1)):
        seen = survey(path, GREY, tmp_path / "s")
        assert (seen.samples, seen.counts, seen.against) == (count, (), "original")


def test_a_picture_beside_the_class_folders_is_refused_alone(tmp_path: Path) -> None:
    files = {"cat/1.png": shade(1), "dog/2.png": shade(1), "cover.png": shade(1)}
    seen = survey(pack(tmp_path / "a.zip", files), GREY, tmp_path / "s")
    assert [(b.name, b.reason) for b in seen.broken] == [
        ("cover.png", "it lies in no class folder, the others do")
    ]


def test_folders_below_the_class_and_prefixes_are_groups(tmp_path: Path) -> None:
    names = ["cat/anna/1", "cat/ben/2", "dog/anna/3"]
    path = pack(tmp_path / "a.zip", {f"{name}.png": shade(1) for name in names})
    with open_data(path, GREY, Choices()) as listing:
        assert (listing.grouped_by, listing.groups.tolist()) == ("folder", [0, 1, 0])
    with open_data(path, GREY, Choices(group="")) as listing:
        assert listing.groups is None
    named = pack(tmp_path / "b.zip", {f"cat/{n}.png": shade(1) for n in ("a_1", "a_2", "b-1")})
    with open_data(named, GREY, Choices(group="prefix")) as listing:
        assert listing.groups.tolist() == [0, 0, 1]


def test_sounds_in_folders_and_what_is_beside_them(tmp_path: Path) -> None:
    files = {"yes/1.wav": sound(np.zeros(4)), "no/2.wav": sound(np.zeros(4)), "README.md": "hello"}
    seen = survey(pack(tmp_path / "a.zip", files), wanted(1, 4), tmp_path / "s")
    assert (seen.kind, seen.counts) == ("sounds", (("no", 1), ("yes", 1)))
    assert seen.notes == (
        "Not read, as they are something else: README.md.",
        "Sounds are read as they were recorded, 16,000 samples a second.",
    )


def hostile(path: Path, what: str) -> Path:
    """Write a zip that is made to do harm."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("cat/1.png", shade(1))
        if what == "link":
            link = zipfile.ZipInfo("cat/2.png")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(link, "/etc/passwd")
        elif what == "bomb":
            packed.writestr("cat/2.png", bytes(64 << 20))
        elif what == "deep":
            packed.writestr("a/" * 40 + "2.png", shade(1))
        elif what == "twice":
            with pytest.warns(UserWarning, match="Duplicate"):
                packed.writestr("cat/1.png", shade(2))
        else:
            packed.writestr(what, shade(1))
    if what == "locked":
        raw = path.read_bytes()
        at = raw.index(b"PK\x01\x02")
        path.write_bytes(raw[: at + 8] + b"\x01" + raw[at + 9 :])
    return path


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("../../evil.png", "write outside"),
        ("/etc/evil.png", "write outside"),
        ("cat/../../evil.png", "write outside"),
        ("C:evil.png", "write outside"),
        ("cat\\..\\evil.png", "write outside"),
        ("link", "a link"),
        ("bomb", "fill the disk"),
        ("deep", "deep in each other"),
        ("twice", "same name"),
        ("locked", "password"),
    ],
)
def test_a_zip_that_is_made_to_do_harm_is_refused(tmp_path: Path, what: str, said: str) -> None:
    with pytest.raises(IntakeError, match=said):
        Tree(hostile(tmp_path / "a.zip", what))


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "passwords.png").symlink_to("/etc/passwd")
    with pytest.raises(IntakeError, match="a link"):
        Tree(tmp_path / "f")


def test_an_entry_with_wrong_bytes_is_one_broken_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:  # stored, so that its bytes can be found
        packed.writestr("cat/1.png", shade(77))
        packed.writestr("dog/2.png", shade(2))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(shade(77), b"\x00" * len(shade(77))))
    first, second = values_of(path, GREY)
    assert first == "its bytes in the zip are damaged"
    assert int(second.max()) == 2


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08data", "pack the files as a zip"),
        (b"\x89HDF\r\n\x1a\n", r"numpy\.savez"),
        (b"\x80\x04\x95pickle", "runs code"),
        (b"ID3\x03mp3", "convert it to WAV"),
        (b"\x00\x01\x02\x03" * 9, "unknown kind"),
        (b"PK\x03\x04" + bytes(40), "unknown kind"),
    ],
    ids=["empty", "gzip", "HDF5", "pickle", "MP3", "nothing known", "no zip"],
)
def test_other_files_are_told_what_would_do(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(raw)
    with pytest.raises(IntakeError, match=said):
        values_of(path, GREY)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"[Content_Types].xml": "x", "xl/workbook.xml": "x"}, "Office document"),
        ({"archive/data.pkl": "x", "archive/data/0": "x"}, "saved network"),
        ({"a.txt": "hello"}, "Nothing in a.zip"),
        ({}, "holds no files"),
        ({"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1,2\n"}, "2 tables"),
    ],
)
def test_zips_of_something_else_are_told_what_would_do(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    with pytest.raises(IntakeError, match=said):
        values_of(pack(tmp_path / "a.zip", files), GREY)


def test_data_that_the_network_cannot_read_are_refused_with_what_it_reads(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"cat/1.png": shade(1)})
    with pytest.raises(IntakeError, match="pictures, but the network reads 30 values"):
        values_of(path, wanted(30))
    path = pack(tmp_path / "b.zip", {"cat/1.wav": sound(np.zeros(4))})
    with pytest.raises(IntakeError, match="neither a wave nor a spectrum"):
        values_of(path, wanted(3, 8, 8))
