import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compress_core.compress import compress
from compress_core.evaluate import evaluate
from compress_core.intake import folders, store
from compress_core.intake import load_data as module
from compress_core.intake.choices import Choices
from compress_core.intake.listing import Read
from compress_core.intake.load_data import (
    BrokenSamples,
    data_folder,
    forget_old,
    load_data,
    progress_of,
    survey_data,
    wanted_by,
)
from compress_core.intake.read_apart import serve
from compress_core.intake.scaling import PICTURES, Scaling, own_scaling, scaled, score_scalings
from compress_core.network import Network, from_module
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.refusal import IntakeError
from compress_core.worth import Worth, worth
from tests.nets import untrained
from tests.test_intake_survey import animals
from tests.uploads import pack, picture, shade

LABELS = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def network() -> Network:
    return replace(untrained("simple-nn"), labels=LABELS)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_zip_becomes_data_that_every_other_floor_can_use(
    tmp_path: Path, network: Network
) -> None:
    path = animals(tmp_path, broken=(7,))
    assert [broken.name for broken in survey_data(path, network).broken] == ["cat/7.png"]
    with pytest.raises(BrokenSamples, match=r"1 of 60 .* cat/7.png: it is no picture") as refused:
        load_data(path, network)
    assert refused.value.broken[0].name == "cat/7.png"
    data = load_data(path, network, skip_broken=True)
    assert (data.labels, data.against) == (LABELS, "labels")
    assert sum(map(len, (data.train, data.validation, data.test))) == 59
    assert data.train.x.dtype == torch.uint8
    numbers = data.train.x.amax((1, 2, 3))
    assert (numbers // 20).tolist() == data.train.y.tolist()
    assert data.train.inputs().amax((1, 2, 3)).tolist() == pytest.approx((numbers / 255).tolist())
    recipe = Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=8, activation_bits=8)))
    assert evaluate(compress(network, recipe, data), data.test).against == "labels"
    assert left_in(data_folder()) == []


def test_the_same_bytes_are_read_once_and_wherever_they_lie(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_data(animals(tmp_path), network)
    moved = (tmp_path / "animals.zip").rename(tmp_path / "renamed.zip")
    monkeypatch.setattr(module, "run_apart", lambda *_: pytest.fail("read again"))
    again = load_data(moved, network)
    assert torch.equal(first.test.x, again.test.x)
    assert torch.equal(first.test.y, again.test.y)


def test_samples_stay_on_the_disk_and_cannot_be_changed_there(
    tmp_path: Path, network: Network
) -> None:
    path = animals(tmp_path)
    data = load_data(path, network)
    kept = data.train.x.clone()
    data.train.x.zero_()
    assert torch.equal(load_data(path, network).train.x, kept)
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(data_folder()) in maps.read_text()


def test_without_labels_the_original_is_what_answers_are_compared_with(
    tmp_path: Path, network: Network
) -> None:
    generator = np.random.default_rng(0)
    files = {
        f"{i}.png": picture(generator.integers(0, 256, (8, 8), dtype=np.uint8)) for i in range(40)
    }
    data = load_data(pack(tmp_path / "a.zip", files), network)
    assert data.against == "original"
    found = evaluate(network, data.test)
    assert (found.accuracy.value, found.against) == (1.0, "original")
    pruned = worth(compress(network, Recipe(steps=(Prune(sparsity=0.98),)), data), data.test)
    assert pruned.accuracy.value < 1
    assert pruned.against == "original"
    assert Worth.from_dict(pruned.to_dict()) == pruned


def test_a_single_picture_is_the_test_and_nothing_else(tmp_path: Path, network: Network) -> None:
    (tmp_path / "one.png").write_bytes(shade(9))
    seen = survey_data(tmp_path / "one.png", network)
    assert seen.few[:2] == (
        "There are no samples for training.",
        "There are no samples for validation.",
    )
    data = load_data(tmp_path / "one.png", network)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [0, 0, 1]
    assert data.train.x.shape == (0, 1, 8, 8)


def test_what_is_open_is_asked_and_what_is_wrong_is_said(tmp_path: Path, network: Network) -> None:
    unknown = pack(tmp_path / "a.zip", {"cat/1.png": shade(1), "cow/2.png": shade(2)})
    with pytest.raises(IntakeError, match="no label called cow"):
        load_data(unknown, network)
    data = load_data(unknown, network, Choices(classes=(("cow", "owl"),)))
    assert set(torch.cat([data.train.y, data.validation.y, data.test.y]).tolist()) == {0, 2}
    for act in (survey_data, load_data):
        (tmp_path / "b.zip").write_bytes(b"\x1f\x8b")
        with pytest.raises(IntakeError, match="pack the files as a zip"):
            act(tmp_path / "b.zip", network)
        with pytest.raises(IntakeError, match=r"c\.zip is not there"):
            act(tmp_path / "c.zip", network)
    assert left_in(data_folder()) == []


def test_how_far_reading_is_can_be_seen_from_elsewhere(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = animals(tmp_path)
    seen: list[tuple[int, int] | None] = []
    original = folders.read_files

    def watched(*arguments: Any) -> Read:
        inner = original(*arguments)

        def noted(numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray | str]]:
            for found in inner(numbers):
                seen.append(progress_of(path, network))
                yield found

        return noted

    monkeypatch.setattr(store, "_EVERY", 0.0)
    monkeypatch.setattr(folders, "read_files", watched)
    monkeypatch.setattr(module, "run_apart", lambda _, __, folder, ___: serve(folder))
    load_data(path, network)
    assert seen == [None, *((done, 60) for done in range(1, 60))]
    assert progress_of(path, network) is None


def test_a_reader_that_dies_is_a_sentence(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MODULE", "tests.dying_reader")
    with pytest.raises(IntakeError, match="crashed") as refused:
        load_data(animals(tmp_path), network)
    assert "\n" not in str(refused.value)
    assert list(data_folder().iterdir()) == []


def test_a_reader_that_needs_too_much_memory_is_a_sentence(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MEMORY", 500 << 20)
    (tmp_path / "a.png").write_bytes(picture(np.zeros((7000, 7000, 3), np.uint8), compress_level=1))
    with pytest.raises(IntakeError, match="needs more memory"):
        load_data(tmp_path / "a.png", network)
    assert left_in(data_folder()) == []


def test_reading_does_not_wait_for_torch() -> None:
    code = "import sys, compress_core.intake.read_apart; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_old_data_sets_make_room_for_new_ones(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "middle", "old", ".new-left", ".new-busy")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.x").write_bytes(bytes(100))
        seconds = 2 * 24 * 3600 if name == ".new-left" else 60 * age
        os.utime(tmp_path / name, (time.time() - seconds,) * 2)
    forget_old(tmp_path, 250, spare=tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-busy", "middle", "new"]
    forget_old(tmp_path, 50, spare=tmp_path / "old")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-busy"]


def test_a_network_that_looks_tokens_up_reads_words() -> None:
    class Words(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(50, 4)
            self.out = torch.nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(self.embedding(x.long().clamp(0, 49)).mean(1))

    words = from_module(Words(), (7,), ("a", "b"), "words")
    assert (wanted_by(words).tokens, wanted_by(words).shape) == (50, (7,))
    assert wanted_by(untrained("simple-nn")).tokens is None


def test_the_way_a_network_was_normalised_is_found_on_training_samples(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    with torch.no_grad():
        module[1].weight[0], module[1].weight[1] = 1.0, -1.0
        module[1].bias.zero_()  # right only where the middle grey is zero
    network = from_module(module, (1, 8, 8), ("bright", "dark"), "threshold")
    files = {f"dark/{i}.png": shade(60 + i) for i in range(30)}
    files |= {f"bright/{i}.png": shade(140 + i) for i in range(30)}
    data = load_data(pack(tmp_path / "a.zip", files), network)
    scores = score_scalings(network, data)
    assert next(iter(scores)) in {"-1 to 1", "EfficientNet-Lite", "own mean and deviation"}
    assert scores["-1 to 1"].value == 1.0
    assert scores["0 to 1"].value == 0.5
    assert "ImageNet" not in scores  # it needs three channels
    assert evaluate(network, scaled(data, PICTURES["-1 to 1"]).test).accuracy.value == 1.0
    own = own_scaling(data)
    inputs = scaled(data, own).train.inputs()
    assert (float(inputs.mean()), float(inputs.std())) == pytest.approx((0, 1), abs=1e-3)
    unlabelled = load_data(tmp_path / "a.zip", network, Choices(label=""), scaling=Scaling(std=2.0))
    assert unlabelled.train.std == 2.0
    with pytest.raises(ValueError, match="labelled"):
        score_scalings(network, unlabelled)
