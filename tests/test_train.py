import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from compress_core import train as training
from compress_core.events import EpochEnd, Finished
from compress_core.scenarios import list_trained, load_data
from compress_core.train import TRAINING, shift_and_flip, train, vary_voice, write
from compress_core.zoo.build import build
from tests.test_fit import Untouchable


def test_every_scenario_has_a_plan() -> None:
    assert set(TRAINING) == set(list_trained())


def test_a_network_is_trained_from_its_seed_without_the_test_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan, augment = TRAINING["digits/simple-nn"]
    short = replace(plan, epochs=6)
    monkeypatch.setitem(TRAINING, "digits/simple-nn", (short, augment))
    data = load_data("digits/simple-nn")
    blind = replace(data, test=Untouchable())  # type: ignore[arg-type]
    ends = []
    for _ in range(2):
        *events, end = train("digits/simple-nn", 7, blind)
        assert isinstance(end, Finished)
        assert sum(isinstance(event, EpochEnd) for event in events) == 7
        ends.append(end)
    assert ends[0].validation_accuracy > 0.9
    for name, value in ends[0].result.items():
        assert torch.equal(value, ends[1].result[name])


def test_what_is_written_can_be_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "ASSETS", tmp_path)
    data = load_data("digits/simple-nn")
    module = build("simple-nn", 3).eval()
    curve = [
        EpochEnd(
            epoch=0, step=0, loss=None, validation_loss=2.3, validation_accuracy=0.1, best=True
        )
    ]
    path = write("digits/simple-nn", 3, module.state_dict(), curve, data)
    assert path == tmp_path / "digits" / "simple-nn" / "seed-3.json"
    record = json.loads(path.read_text())
    weights = path.with_suffix(".safetensors")
    assert record["sha256"] == sha256(weights.read_bytes()).hexdigest()
    assert record["command"] == "python -m compress_core.train digits/simple-nn --seed 3"
    with torch.no_grad():
        right = int((module(data.test.inputs()).argmax(1) == data.test.y).sum())
    assert (record["test"]["value"], record["test"]["n"]) == (right / 360, 360)
    assert record["curve"] == [{"kind": "epoch", "epoch": 0, "step": 0, "loss": None,
                                "validation_loss": 2.3, "validation_accuracy": 0.1,
                                "best": True}]  # fmt: skip
    for name, value in load_file(weights).items():
        assert torch.equal(value, module.state_dict()[name])


def test_pictures_are_moved_by_up_to_two_pixels_and_half_are_mirrored() -> None:
    x = torch.zeros(400, 1, 9, 9)
    x[:, 0, 4, 3] = 1.0  # one bright pixel, left of the middle
    moved = shift_and_flip(x, torch.Generator().manual_seed(0))
    assert moved.shape == x.shape and torch.equal(moved.sum((1, 2, 3)), torch.ones(400))
    _, _, rows, columns = torch.nonzero(moved, as_tuple=True)
    assert set(rows.tolist()) == {2, 3, 4, 5, 6}
    # Mirrored the pixel stands in column 5, so columns are 1 to 5 or 3 to 7.
    assert set(columns.tolist()) == {1, 2, 3, 4, 5, 6, 7}
    assert 0.4 < float((columns > 5).double().mean() / (columns < 3).double().mean()) / 2 < 0.7


def test_moved_pictures_repeat_their_edge_and_follow_the_generator() -> None:
    x = torch.arange(4.0).reshape(1, 1, 2, 2).repeat(50, 1, 1, 1)
    one, again, other = (shift_and_flip(x, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert set(one.unique().tolist()) == {0.0, 1.0, 2.0, 3.0}


def test_voices_vary_in_loudness_and_lack_few_bands_and_moments() -> None:
    x = torch.randn(200, 1, 32, 64, generator=torch.Generator().manual_seed(1))
    varied = vary_voice(x, torch.Generator().manual_seed(0))
    hidden = varied == 0
    louder = (varied - x).masked_fill(hidden, float("nan")).flatten(1)
    assert (louder.nanmean(1).abs() <= 0.5).all() and louder.nanmean(1).std() > 0.2
    # A hidden band is hidden at all moments: at most six bands and sixteen moments.
    bands, moments = hidden.all(3).sum((1, 2)), hidden.all(2).sum((1, 2))
    assert bands.max() in (5, 6) and moments.max() in (15, 16)
    assert torch.equal(hidden, hidden.all(3, keepdim=True) | hidden.all(2, keepdim=True))
