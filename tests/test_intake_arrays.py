import zipfile
from pathlib import Path

import numpy as np
import pytest

from compress_core.intake.choices import Choices
from compress_core.intake.open_data import open_data
from compress_core.refusal import IntakeError
from tests.uploads import classes_of, survey, values_of, wanted

PICTURES = wanted(1, 2, 3)


def npz(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "a.npz"
    np.savez_compressed(path, allow_pickle=True, **arrays)
    return path


X = np.arange(24, dtype=np.uint8).reshape(4, 1, 2, 3)


@pytest.mark.parametrize(
    "x",
    [X, X[:, 0], X.transpose(0, 2, 3, 1), X.reshape(4, 6), np.asfortranarray(X[:, 0])],
    ids=["channels first", "no channels", "channels last", "flat", "column by column"],
)
def test_pictures_however_their_axes_lie(tmp_path: Path, x: np.ndarray) -> None:
    path = npz(tmp_path, x=x, y=np.array([0, 1, 1, 0]))
    given = values_of(path, PICTURES)
    assert np.stack(given).tolist() == X.tolist()
    assert given[0].dtype == np.uint8
    assert classes_of(path, PICTURES) == ["0", "1", "1", "0"]


@pytest.mark.parametrize(
    "y",
    [
        np.array([2, 0, 1, 0]),
        np.array([[2], [0], [1], [0]], np.uint8),
        np.array([2.0, 0.0, 1.0, 0.0]),
        np.eye(3)[[2, 0, 1, 0]],
        np.array(["2", "0", "1", "0"]),
        np.array([b"2", b"0", b"1", b"0"]),
    ],
    ids=["whole", "a column", "floating", "one-hot", "text", "bytes"],
)
def test_classes_however_they_are_written(tmp_path: Path, y: np.ndarray) -> None:
    assert classes_of(npz(tmp_path, x=X, y=y), PICTURES) == ["2", "0", "1", "0"]


def test_a_class_that_is_no_number_is_refused_by_its_number(tmp_path: Path) -> None:
    path = npz(tmp_path, x=X, y=np.array([1.0, np.nan, 0.5, 0]))
    with open_data(path, PICTURES, Choices()) as listing:
        assert sorted(listing.refused) == [1, 2]


def test_parts_and_groups_that_are_there_are_kept(tmp_path: Path) -> None:
    path = npz(tmp_path, x_train=X, y_train=np.zeros(4), X_test=X[:2], y_test=np.ones(2))
    with open_data(path, PICTURES, Choices()) as listing:
        assert listing.parts.tolist() == [0, 0, 0, 0, 2, 2]
        assert listing.classes.tolist() == [0, 0, 0, 0, 1, 1]
    path = npz(tmp_path, x=X, y=np.zeros(4), subject=np.array([5, 5, 9, 9]))
    with open_data(path, PICTURES, Choices()) as listing:
        assert (listing.groups.tolist(), listing.grouped_by) == ([0, 0, 1, 1], "subject")


def test_other_names_are_understood_or_asked_for(tmp_path: Path) -> None:
    assert classes_of(npz(tmp_path, arr_0=X, arr_1=np.arange(4)), PICTURES) == ["0", "1", "2", "3"]
    path = npz(tmp_path, x=X, one=np.arange(4), two=np.ones(4))
    assert survey(path, PICTURES, tmp_path / "s").questions[0].options == ("one", "two")
    assert classes_of(path, PICTURES, Choices(label="two")) == ["1"] * 4


def test_pictures_of_another_size_are_resized_and_other_shapes_refused(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.full((2, 9, 9, 3), 40, np.uint8), y=np.arange(2))
    given = values_of(path, PICTURES)[0]
    assert (given.shape, int(given.min()), int(given.max())) == ((1, 2, 3), 40, 40)
    with pytest.raises(IntakeError, match=r"is 7; the network reads 5"):
        values_of(npz(tmp_path, x=np.zeros((2, 7)), y=np.arange(2)), wanted(5))


def test_series_are_read_either_way_round_and_keep_their_numbers(tmp_path: Path) -> None:
    x = np.arange(12, dtype=np.float64).reshape(2, 3, 2) / 8
    given = values_of(npz(tmp_path, x=x, y=np.arange(2)), wanted(2, 3))
    assert (given[0].dtype, given[0].tolist()) == (np.float32, x[0].T.tolist())


def test_numbers_that_are_none_are_named(tmp_path: Path) -> None:
    x = np.array([[1, 2], [np.nan, 0], [np.inf, 0], [1e300, 0]])
    given = values_of(npz(tmp_path, x=x, y=np.zeros(4)), wanted(2))
    odd = "some of its values are no numbers (NaN or infinite)"
    assert [v if isinstance(v, str) else v.tolist() for v in given] == [
        [1, 2], odd, odd, "some of its values are too large",
    ]  # fmt: skip


def test_a_single_array_has_no_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    assert survey(tmp_path / "a.npy", PICTURES, tmp_path / "s").against == "original"
    assert np.stack(values_of(tmp_path / "a.npy", PICTURES)).tolist() == X.tolist()


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.array([{"a": 1}, print], object), y=np.arange(2))
    with pytest.raises(IntakeError, match="loading them runs code"):
        values_of(path, PICTURES)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("(2000000000, 2000000000)", "not the bytes"),
        ("(-1, 6)", "not the bytes"),
        ("(4,", "damaged"),
    ],
)
def test_a_header_that_lies_is_not_believed(tmp_path: Path, shape: str, said: str) -> None:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(24)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", raw)
    with pytest.raises(IntakeError, match=said):
        values_of(tmp_path / "a.npz", PICTURES)


def test_lengths_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="x holds 4 samples, but y"):
        values_of(npz(tmp_path, x=X, y=np.arange(3)), PICTURES)
