import json
from pathlib import Path

import numpy as np
import pytest

from compress_core.intake.choices import Choices
from compress_core.intake.survey import Survey, too_few
from compress_core.refusal import IntakeError
from tests.uploads import pack, read_parts, shade, survey, wanted

GREY = wanted(1, 8, 8, labels=("cat", "dog", "owl"))


def animals(folder: Path, count: int = 20, broken: tuple[int, ...] = ()) -> Path:
    """Write a zip of cats, dogs and owls; the grey of each picture is its number."""
    files = {
        f"{name}/{i}.png": b"\x89PNG\r\n\x1a\nbroken" if i in broken else shade(i)
        for start, name in enumerate(("cat", "dog", "owl"))
        for i in range(start * count, (start + 1) * count)
    }
    return pack(folder / "animals.zip", files)


def test_a_survey_shows_counts_samples_sizes_and_what_is_broken(tmp_path: Path) -> None:
    seen = survey(animals(tmp_path, broken=(7, 25)), GREY, tmp_path / "s")
    assert (seen.kind, seen.samples, seen.checked) == ("pictures", 60, 60)
    assert seen.counts == (("cat", 20), ("dog", 20), ("owl", 20))
    assert seen.sizes == (42, 9, 9)
    assert [broken.name for broken in seen.broken] == ["cat/7.png", "dog/25.png"]
    assert [(p.label, p.x.shape) for p in seen.preview] == [
        (label, (1, 8, 8)) for label in ("cat", "cat", "dog", "dog", "owl", "owl")
    ]
    assert seen.preview[0].x.max() == 0
    assert Survey.from_dict(json.loads(json.dumps(seen.to_dict()))).to_dict() == seen.to_dict()


def test_of_many_samples_some_are_read_evenly(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(9000.0).reshape(3000, 3), y=np.arange(3000) % 2)
    seen = survey(tmp_path / "a.npz", wanted(3), tmp_path / "s")
    assert (seen.samples, seen.checked) == (3000, 200)


def test_parts_hold_every_sample_once_with_its_class(tmp_path: Path) -> None:
    path = animals(tmp_path)
    manifest, x, y = read_parts(path, GREY, tmp_path / "s")
    assert (manifest.sizes, manifest.labels) == ((42, 9, 9), ("cat", "dog", "owl"))
    numbers = [part.max((1, 2, 3)).tolist() for part in x]
    assert sorted(n for part in numbers for n in part) == list(range(60))
    assert [n // 20 for part in numbers for n in part] == np.concatenate(y).tolist()
    assert all(part != sorted(part) for part in numbers)
    again = read_parts(path, GREY, tmp_path / "s2")[1]
    other = read_parts(path, GREY, tmp_path / "s3", seed=2)[1]
    assert [a.tolist() for a in again] == [a.tolist() for a in x] != [a.tolist() for a in other]


def test_broken_samples_leave_no_gap(tmp_path: Path) -> None:
    bad = (0, 3, 19, 20, 41, 42, 58, 59)
    manifest, x, y = read_parts(animals(tmp_path, broken=bad), GREY, tmp_path / "s")
    numbers = [n for part in x for n in part.max((1, 2, 3)).tolist()]
    assert sorted(numbers) == [n for n in range(60) if n not in bad]
    assert [n // 20 for n in numbers] == np.concatenate(y).tolist()
    assert manifest.broken_count == 8
    assert sorted(int(b.name.split("/")[1][:-4]) for b in manifest.broken) == list(bad)


def test_a_class_can_be_left_out_or_renamed(tmp_path: Path) -> None:
    path = animals(tmp_path)
    two = wanted(1, 8, 8, labels=("hound", "cat"))
    asked = survey(path, two, tmp_path / "s").questions
    assert [(q.topic, q.about) for q in asked] == [("classes", ("dog", "owl"))]
    with pytest.raises(IntakeError, match=r"no label called dog, owl\."):
        read_parts(path, two, tmp_path / "s")
    choices = Choices(classes=(("dog", "hound"), ("owl", "")))
    assert survey(path, two, tmp_path / "s", choices).questions == ()
    _, x, y = read_parts(path, two, tmp_path / "s", choices)
    numbers = [n for part in x for n in part.max((1, 2, 3)).tolist()]
    assert sorted(numbers) == list(range(40))
    assert [1 - n // 20 for n in numbers] == np.concatenate(y).tolist()


def test_nothing_but_broken_samples_is_one_sentence(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"cat/1.png": b"x", "dog/2.png": b"y"})
    with pytest.raises(IntakeError, match=r"None of the 2 samples can be used; cat/1\.png cannot"):
        read_parts(path, GREY, tmp_path / "s")


def test_it_says_what_there_is_too_little_of() -> None:
    said = too_few({"cat": 4, "dog": 100, "owl": 0}, (70, 16, 0))
    assert said == [
        "There are no samples for the test.",
        "Fewer than 10 samples of cat: what is said of single classes is a guess, and below 3 "
        "they are not in every part.",
    ]
    assert too_few({}, (70, 15, 15)) == [
        "With 15 test samples a share of right answers is known to about ±23 points."
    ]
    assert too_few({"cat": 5000}, (3500, 750, 750)) == []
