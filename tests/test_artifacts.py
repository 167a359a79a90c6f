from hashlib import sha256
from pathlib import Path

import pytest

from compress_core.artifacts import Artifacts


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


def test_what_is_put_comes_back_under_its_hash(artifacts: Artifacts) -> None:
    digest = artifacts.put(b"weights")

    assert digest == sha256(b"weights").hexdigest()
    assert artifacts.get(digest) == b"weights"


def test_equal_contents_are_one_file_and_nothing_half_written_stays(artifacts: Artifacts) -> None:
    artifacts.put(b"weights")
    artifacts.put(b"weights")

    assert len([path for path in artifacts.folder.rglob("*") if path.is_file()]) == 1


def test_a_removed_artifact_is_gone(artifacts: Artifacts) -> None:
    digest = artifacts.put(b"weights")
    artifacts.remove(digest)
    artifacts.remove(digest)

    with pytest.raises(ValueError, match="is gone; run the recipe again"):
        artifacts.get(digest)


def test_damage_is_noticed(artifacts: Artifacts) -> None:
    digest = artifacts.put(b"weights")
    (artifacts.folder / digest[:2] / digest).write_bytes(b"weighty")

    with pytest.raises(ValueError, match="damaged"):
        artifacts.get(digest)


@pytest.mark.parametrize("digest", ["", "../runs.sqlite3", "A" * 64, "0" * 63])
def test_what_is_no_hash_never_becomes_a_path(artifacts: Artifacts, digest: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256"):
        artifacts.get(digest)
