from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from compress_core import catalogue, scenarios
from compress_core.data import Data
from compress_core.data_sets.data_set import ASSETS
from compress_core.evaluate import evaluate
from compress_core.scenarios import (
    list_scenarios,
    list_seeds,
    list_trained,
    load_data,
    load_record,
    load_scenario,
)

LEAST_ACCURACY = {
    "digits/simple-nn": 0.93,
    "fashion-mnist/lenet-300-100": 0.885,
    "fashion-mnist/lenet-5": 0.905,
    "fashion-mnist/vgg-small": 0.93,
    "fashion-mnist/resnet-20": 0.92,
    "speech/ds-cnn": 0.97,
    "reviews/conv": 0.78,
    "reviews/transformer": 0.78,
    "breast-cancer/mlp": 0.94,
    "watch/conv": 0.8,
    "watch/gru": 0.8,
    "lander/mlp": 0.95,
    "driving/cnn": 0.8,
}
SHIPPED = [(name, seed) for name in list_trained() for seed in list_seeds(name)]
each_shipped = pytest.mark.parametrize(("name", "seed"), SHIPPED)


def test_the_scenarios_are_those_of_the_contract() -> None:
    assert list_scenarios() == (*LEAST_ACCURACY, "photos/efficientnet-lite0")


@pytest.mark.parametrize("name", LEAST_ACCURACY)
def test_every_scenario_is_trained(name: str) -> None:
    assert 0 in list_seeds(name)


@each_shipped
def test_the_record_tells_how_the_weights_came_about(name: str, seed: int) -> None:
    record = load_record(name, seed)
    weights = (ASSETS / name / f"seed-{seed}.safetensors").read_bytes()
    assert record["sha256"] == sha256(weights).hexdigest()
    assert (record["scenario"], record["seed"], record["plan"]["seed"]) == (name, seed, seed)
    assert record["command"] == f"python -m compress_core.train {name} --seed {seed}"
    assert [epoch["epoch"] for epoch in record["curve"]] == list(
        range(record["plan"]["epochs"] + 1)
    )


@each_shipped
def test_a_network_is_as_good_as_it_should_be(name: str, seed: int) -> None:
    assert load_record(name, seed)["test"]["value"] >= LEAST_ACCURACY[name]


@each_shipped
def test_the_best_epoch_is_the_one_that_was_kept(name: str, seed: int) -> None:
    curve = load_record(name, seed)["curve"]
    kept = [epoch for epoch in curve if epoch["best"]][-1]
    assert kept["validation_accuracy"] == max(epoch["validation_accuracy"] for epoch in curve)


LARGE = ("fashion-mnist/vgg-small", "fashion-mnist/resnet-20")
SMALL = [(name, seed) for name, seed in SHIPPED if name not in LARGE]


@pytest.mark.parametrize(("name", "seed"), SMALL)
def test_the_recorded_accuracies_are_measured_again(name: str, seed: int) -> None:
    scenario = load_scenario(name, seed)
    kept = [epoch for epoch in scenario.record["curve"] if epoch["best"]][-1]
    validation = evaluate(scenario.network, scenario.data.validation).accuracy
    assert validation.value == kept["validation_accuracy"]
    test = evaluate(scenario.network, scenario.data.test).accuracy
    assert asdict(test) == scenario.record["test"]


@pytest.mark.slow
@each_shipped
def test_so_is_the_test_accuracy_of_large_networks(name: str, seed: int) -> None:
    scenario = load_scenario(name, seed)
    test = evaluate(scenario.network, scenario.data.test).accuracy
    assert test.value == scenario.record["test"]["value"]


@each_shipped
def test_a_look_at_few_samples_does_not_contradict_the_record(name: str, seed: int) -> None:
    scenario = load_scenario(name, seed)
    few = evaluate(scenario.network, scenario.data.test.head(300)).accuracy
    assert few.low - 0.01 <= scenario.record["test"]["value"] <= few.high + 0.01


def hashes(x: torch.Tensor) -> set[bytes]:
    return {picture.numpy().tobytes() for picture in x}


@pytest.mark.parametrize(
    ("name", "lengths"),
    [("digits/simple-nn", (1077, 360, 360)), ("fashion-mnist/lenet-5", (55_000, 5_000, 10_000))],
)
def test_the_three_parts_share_no_picture(name: str, lengths: tuple[int, ...]) -> None:
    data = load_data(name)
    parts = (data.train, data.validation, data.test)
    assert tuple(map(len, parts)) == lengths
    assert tuple(part.name for part in parts) == ("train", "validation", "test")
    seen = [hashes(part.x) for part in parts]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


@pytest.mark.parametrize("name", ["digits/simple-nn", "fashion-mnist/lenet-5"])
def test_every_class_is_in_every_part(name: str) -> None:
    data = load_data(name)
    for part in (data.train, data.validation, data.test):
        counts = torch.bincount(part.y, minlength=10)
        assert len(counts) == len(data.labels) == 10 and counts.min() > 0.05 * len(part)


def test_fashion_mnist_is_what_its_authors_published() -> None:
    data = load_data("fashion-mnist/lenet-5")
    assert (data.test.x.dtype, tuple(data.test.x.shape)) == (torch.uint8, (10_000, 1, 28, 28))
    # The first ten labels of the official test part: ankle boot, pullover, trouser, trouser, ...
    assert data.test.y[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    together = torch.cat([data.train.x, data.validation.x]).double()
    assert torch.bincount(torch.cat([data.train.y, data.validation.y])).tolist() == [6000] * 10
    assert float(together.mean()) == pytest.approx(72.94, abs=0.01)
    assert float(together.std()) == pytest.approx(90.02, abs=0.01)


def test_data_are_the_same_at_every_load() -> None:
    one, other = load_data("digits/simple-nn"), load_data("digits/simple-nn")

    def same(a: Data, b: Data) -> bool:
        return all(
            torch.equal(getattr(a, part).x, getattr(b, part).x)
            and torch.equal(getattr(a, part).y, getattr(b, part).y)
            for part in ("train", "validation", "test")
        )

    assert same(one, other)


def copied(folder: Path, *names: str) -> None:
    (folder / "digits" / "simple-nn").mkdir(parents=True)
    for name in names:
        source = ASSETS / "digits" / "simple-nn" / name
        (folder / "digits" / "simple-nn" / name).write_bytes(source.read_bytes())


@pytest.mark.parametrize("position", [0, 500, -1])
def test_damaged_weights_are_refused(
    position: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(tmp_path, "seed-0.json", "seed-0.safetensors")
    weights = tmp_path / "digits" / "simple-nn" / "seed-0.safetensors"
    data = bytearray(weights.read_bytes())
    data[position] ^= 1
    weights.write_bytes(data)
    monkeypatch.setattr(scenarios, "ASSETS", tmp_path)
    monkeypatch.setattr(catalogue, "ASSETS", tmp_path)
    with pytest.raises(ValueError, match=r"seed-0.safetensors of digits/simple-nn is damaged"):
        load_scenario("digits/simple-nn")


def test_missing_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied(tmp_path, "seed-0.json")
    monkeypatch.setattr(scenarios, "ASSETS", tmp_path)
    monkeypatch.setattr(catalogue, "ASSETS", tmp_path)
    with pytest.raises(ValueError, match="is missing"):
        load_scenario("digits/simple-nn")


def test_unknown_names_and_seeds_are_refused_with_what_there_is() -> None:
    for name in ("mnist/lenet-5", "../assets", "", "digits"):
        with pytest.raises(ValueError, match="choose one of"):
            load_scenario(name)
    with pytest.raises(ValueError, match=r"no weights for seed 99; there are \(0, 1, 2\)"):
        load_scenario("digits/simple-nn", 99)
