import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compress_core import catalogue, wardrobe
from compress_core.compress import compress
from compress_core.consult import consult
from compress_core.intake.choices import Choices
from compress_core.intake.load_data import data_folder, open_parts, prepare
from compress_core.intake.scaling import Scaling
from compress_core.measured import proportion
from compress_core.network import Network
from compress_core.recipe import Prune, Quantize, Recipe, RecipeError
from compress_core.scenarios import load_data, load_scenario
from compress_core.take_in import Samples, take_in
from compress_core.worth import worth
from tests.belongings import SHADES, shades_onnx, shades_zip

NAMED = Choices(classes=tuple(zip(SHADES, "012", strict=True)))
RECORD = wardrobe.Record(
    title="shades", source="shades.onnx", format="onnx", data="", created=1.5, against="nothing",
    samples=(0, 0, 0), dtype="", input_shape=(1, 8, 8), labels=("a", "b"), mean=(0.1, 0.2),
    std=2.0, parameters=51, fp32_bytes=204, layers=("conv", "gemm"), untouched=("cumsum",),
    test=proportion(3, 4),
)  # fmt: skip


@pytest.fixture(scope="module")
def shades(tmp_path_factory: pytest.TempPathFactory) -> Network:
    network = consult(shades_onnx(tmp_path_factory.mktemp("file") / "shades.onnx")).network
    assert network is not None
    return network


def read(network: Network, path: Path, *, labels: bool = True) -> Samples:
    choices = NAMED if labels else Choices()
    folder = prepare(shades_zip(path, labels=labels), network, choices)
    return Samples(file=path.name, data=open_parts(folder, network), folder=folder)


def test_a_record_survives_its_text() -> None:
    for record in (RECORD, replace(RECORD, test=None, mean=0.0)):
        assert wardrobe.Record.from_json(record.to_json()) == record


@pytest.mark.parametrize("name", ["own/../../etc", "own/0123456789AB", "own/", "digits/simple-nn"])
def test_only_names_of_networks_lead_to_a_folder(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        wardrobe.place(name)


def test_what_is_hung_up_is_a_scenario_with_the_same_answers(
    shades: Network, tmp_path: Path
) -> None:
    samples = read(shades, tmp_path / "shades.zip")
    name = take_in(shades, "shades.onnx", "onnx", samples, Scaling(std=255.0))
    again = take_in(shades, "shades.onnx", "onnx", samples, Scaling(std=255.0))
    other = take_in(shades, "shades.onnx", "onnx", samples, Scaling(std=128.0))
    assert (again == name) and (other != name)
    assert set(catalogue.names()) >= {name, other} == set(wardrobe.names())

    scenario = load_scenario(name)
    assert scenario.network.labels == scenario.data.labels == ("dark", "grey", "light")
    assert (scenario.network.mean, scenario.network.std) == (0, 255)
    x = scenario.data.test.inputs()
    assert torch.equal(scenario.network.module(x), shades.module(x))
    assert torch.equal(scenario.data.train.x, samples.data.train.x)
    assert worth(scenario.network, scenario.data.test).accuracy.value == 1
    assert len(load_data(name).train) == len(samples.data.train)
    known = catalogue.entry(name, 0)
    assert (known.parameters, known.fp32_bytes, known.test.value) == (51, 204, 1)
    assert catalogue.layers(name, 0) == tuple(layer.name for layer in shades.layers)


def test_samples_are_kept_once_and_outlive_what_was_read(shades: Network, tmp_path: Path) -> None:
    samples = read(shades, tmp_path / "shades.zip")
    name = take_in(shades, "shades.onnx", "onnx", samples)
    kept = wardrobe.place(name) / "train.x"
    assert kept.samefile(samples.folder / "train.x")
    for file in data_folder().rglob("*.x"):
        file.unlink()
    assert torch.equal(load_data(name).train.x, samples.data.train.x)
    wardrobe.remove(name)
    assert not kept.exists()
    with pytest.raises(ValueError, match="bring its file again"):
        load_scenario(name)


def test_without_labels_the_original_is_what_answers_are_judged_by(
    shades: Network, tmp_path: Path
) -> None:
    samples = read(shades, tmp_path / "pictures.zip", labels=False)
    scenario = load_scenario(take_in(shades, "shades.onnx", "onnx", samples))
    found = worth(scenario.network, scenario.data.validation)
    assert (found.against, found.accuracy.value) == ("original", 1.0)
    assert wardrobe.record(scenario.name).test is None


def test_without_data_weights_shrink_and_accuracy_stays_unknown(shades: Network) -> None:
    scenario = load_scenario(take_in(shades, "shades.onnx", "onnx", None))
    weights = Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=4)))
    small = compress(scenario.network, weights, scenario.data)
    found = worth(small, scenario.data.validation)
    assert found.against == "nothing" and found.accuracy.n == 0
    assert found.nonzero < found.parameters == 51
    with pytest.raises(RecipeError, match="there are none"):
        activations = Recipe(steps=(Quantize(weight_bits=4, activation_bits=8),))
        compress(scenario.network, activations, scenario.data)


def test_nothing_half_written_is_left_or_shown(shades: Network) -> None:
    name = take_in(shades, "shades.onnx", "onnx", None)
    (wardrobe.place(name).parent / "0123456789ab").mkdir()  # died before its record was written
    assert wardrobe.names() == (name,)
    assert not list(wardrobe.wardrobe().glob(".new-*"))
    text = (wardrobe.place(name) / wardrobe.RECORD).read_text()
    assert json.loads(text)["source"] == "shades.onnx"
