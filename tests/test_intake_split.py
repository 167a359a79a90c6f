import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_core.intake.fingerprint import contents, lot
from compress_core.intake.listing import NONE
from compress_core.intake.split import allot, draw, order, split
from tests.uploads import pack

SHARES = (0.70, 0.15, 0.15)
classes_of_samples = st.lists(st.integers(0, 4), min_size=3, max_size=300).map(np.int32)


def none(count: int) -> np.ndarray:
    return np.full(count, NONE, np.int32)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, (0, 0, 0)), (1, (0, 0, 1)), (2, (0, 1, 1)), (3, (1, 1, 1)), (20, (14, 3, 3)),
     (100, (70, 15, 15))],
)  # fmt: skip
def test_the_test_part_comes_first_where_there_is_too_little(
    count: int, sizes: tuple[int, int, int]
) -> None:
    assert allot(count, SHARES) == sizes


@given(classes_of_samples, st.integers(0, 2**40))
def test_every_class_is_in_every_part_in_its_share(classes: np.ndarray, seed: int) -> None:
    parts = split(classes, None, none(len(classes)), seed)
    for code in set(classes.tolist()):
        members = parts[classes == code]
        assert tuple(np.bincount(members, minlength=3)) == allot(len(members), SHARES)


@given(classes_of_samples, st.integers(0, 2**40), st.integers(1, 12))
def test_a_group_is_never_in_two_parts(classes: np.ndarray, seed: int, number: int) -> None:
    groups = np.random.default_rng(seed).integers(0, number, len(classes)).astype(np.int32)
    parts = split(classes, groups, none(len(classes)), seed)
    assert all(len(set(parts[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    if len(set(groups.tolist())) >= 3:
        assert set(parts.tolist()) == {0, 1, 2}


def test_many_groups_come_close_to_the_shares_in_each_class() -> None:
    classes = np.repeat(np.arange(2, dtype=np.int32), 500)
    groups = np.repeat(np.arange(100, dtype=np.int32), 10)
    parts = split(classes, groups, none(1000), 7)
    for code in range(2):
        assert np.bincount(parts[classes == code]) == pytest.approx([350, 75, 75], abs=10)


def test_equal_seeds_give_equal_parts_and_others_do_not() -> None:
    classes = np.repeat(np.arange(4, dtype=np.int32), 50)
    first, again, other = (draw(classes, None, SHARES, seed) for seed in (3, 3, 4))
    assert first.tolist() == again.tolist() != other.tolist()
    assert order(first, 0, 3).tolist() == order(first, 0, 3).tolist()
    assert sorted(order(first, 0, 3).tolist()) == np.flatnonzero(first == 0).tolist()
    assert order(first, 0, 3).tolist() != sorted(order(first, 0, 3).tolist())


@pytest.mark.parametrize(
    ("there", "sizes"),
    [
        ({0: 70, 1: 10, 2: 20}, (70, 10, 20)),  # as it is
        ({0: 80, 2: 20}, (66, 14, 20)),  # validation out of training
        ({0: 80, 1: 20}, (80, 10, 10)),  # the test out of what was not trained on
        ({1: 20, 2: 80}, (10, 10, 80)),
        ({2: 100}, (70, 15, 15)),  # a single part says nothing
    ],
    ids=["all three", "no validation", "no test", "no training", "test only"],
)
def test_what_the_data_set_says_is_kept(there: dict[int, int], sizes: tuple[int, int, int]) -> None:
    said = np.repeat(list(there), list(there.values())).astype(np.int32)
    parts = split(np.zeros(len(said), np.int32), None, said, 5)
    assert tuple(np.bincount(parts, minlength=3)) == sizes
    if len(there) > 1 and 2 in there:
        assert ((parts == 2) == (said == 2)).all()


def test_the_lot_hangs_on_what_a_zip_holds_and_on_nothing_else(tmp_path: Path) -> None:
    files = {"a/1.txt": "one", "b/2.txt": "two"}
    hours = ((2020, 1, 1, 0, 0, 0), (2026, 5, 4, 3, 2, 0))
    for name, hour, way in (("old", hours[0], 1), ("new", hours[1], -1)):
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            for path in list(files)[::way]:
                packed.writestr(zipfile.ZipInfo(path, hour), files[path])
    pack(tmp_path / "other", {**files, "b/2.txt": "too"})
    old, new, other = (contents(tmp_path / name) for name in ("old", "new", "other"))
    assert (tmp_path / "old").read_bytes() != (tmp_path / "new").read_bytes()
    assert old == new != other
    assert lot(tmp_path / "old") == 0 and contents(tmp_path) == 0
