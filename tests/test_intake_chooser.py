from pathlib import Path

import pytest

from compress_core.intake.chooser import VARIABLE, choose, folder_to_choose_from, list_items
from compress_core.refusal import IntakeError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shared" / "cats").mkdir(parents=True)
    (tmp_path / "shared" / "b.csv").write_text("1")
    (tmp_path / "shared" / "cats" / "a.png").write_text("12")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("k")
    (tmp_path / "shared" / "way out").symlink_to(tmp_path / "secret")
    (tmp_path / "shared" / "way in").symlink_to(tmp_path / "shared" / "b.csv")
    return tmp_path / "shared"


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True),
        ("[::1]", True), ("", False), ("0.0.0.0", False), ("::", False), ("192.168.1.5", False),
        ("example.org", False),
    ],
)  # fmt: skip
def test_only_who_sits_at_the_machine_may_choose(
    folder: Path, monkeypatch: pytest.MonkeyPatch, address: str, there: bool
) -> None:
    monkeypatch.setenv(VARIABLE, str(folder))
    assert (folder_to_choose_from(address) == folder) is there


def test_without_a_folder_nothing_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert folder_to_choose_from("localhost") is None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    assert folder_to_choose_from("localhost") is None


def test_folders_come_first_and_links_that_leave_are_not_shown(folder: Path) -> None:
    items = [(item.path, item.folder, item.size) for item in list_items(folder)]
    assert items == [("cats", True, 0), ("b.csv", False, 1), ("way in", False, 1)]
    assert [item.path for item in list_items(folder, "cats")] == ["cats/a.png"]


@pytest.mark.parametrize(
    "inside",
    ["..", "../secret/key", "cats/../../secret", "/etc/passwd", "way out", "way out/key", "gone"],
)
def test_nobody_leaves_the_folder(folder: Path, inside: str) -> None:
    with pytest.raises(IntakeError):
        choose(folder, inside)
    with pytest.raises(IntakeError):
        list_items(folder, inside)


def test_what_is_inside_can_be_chosen(folder: Path) -> None:
    assert choose(folder, "cats/a.png") == folder / "cats" / "a.png"
    with pytest.raises(IntakeError, match="NUL"):
        choose(folder, "a\0b")
