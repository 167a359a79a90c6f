"""Mutated files of every format are read or refused; nothing crashes, hangs or stays behind."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.browser import ROOT
from tests.foreign import batch, make, write
from tests.nets import untrained

QUICK, MANY = 150, 10_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one sound file of each format."""
    sound = tmp_path / "sound"
    sound.mkdir()
    small = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)).eval()
    write(make("sound"), batch("sound"), sound / "a.onnx", "onnx")
    write(make("sound"), batch("sound"), sound / "b.pt2", "pt2")
    write(small, torch.randn(2, 1, 8), sound / "c.pt", "torchscript")
    weights = untrained("simple-nn").module.state_dict()
    torch.save(weights, sound / "d.pt")
    save_file(weights, sound / "e.safetensors")
    return tmp_path


def fuzz(folder: Path, cases: int, seed: int) -> list[tuple[str, str]]:
    """Run the cases and return (file, how it ended) of each."""
    temporary = folder / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "tests.fuzz_server", str(folder), str(cases), str(seed)]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONWARNINGS": "ignore"}
    subprocess.run(command, cwd=ROOT, check=True, env=environment, timeout=cases * 60)
    assert {p.name for p in folder.iterdir()} <= {"home", "results", "sound", "temporary"}
    lines = (folder / "results").read_text().splitlines()
    assert len(lines) == cases  # whoever reads them is alive
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def judge(results: list[tuple[str, str]]) -> None:
    ends = Counter((name, how.partition(" ")[0]) for name, how in results)
    assert not [how for _, how in results if how == "hung"], ends
    for name in {name for name, _ in results}:
        assert ends[name, "refused"] > 0, ends
    # Native parsers may die of damage, apart from the app; here and there, not as a rule.
    assert sum(n for (_, how), n in ends.items() if how == "died") < len(results) / 20, results
    # What is not foreseen becomes a sentence as well, and is rare.
    assert sum(n for (_, how), n in ends.items() if how == "caught") <= len(results) / 20, results


def test_mutated_networks_end_in_a_sentence(folder: Path) -> None:
    judge(fuzz(folder, QUICK, 0))


@pytest.mark.slow
def test_ten_thousand_mutated_networks(folder: Path) -> None:
    judge(fuzz(folder, MANY, int(os.environ.get("FUZZ_SEED", "1"))))
