import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from compress_core import example
from compress_core.bundle import Bundle, notice_of
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data
from compress_core.exporters.export import export
from compress_core.exporters.targets import targets
from compress_core.proof import Proof
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import load_scenario
from compress_core.sizes import sizes
from tests.browser import ROOT

SCENARIO = "digits/simple-nn"
NAMES = [target.name for target in targets()]
RUN_HERE = [t.name for t in targets() if t.available and t.open and t.name != "safetensors"]
INT8 = Recipe(steps=(Prune(sparsity=0.3), Quantize(weight_bits=6, activation_bits=8)))


def made(target: str, folder: Path, recipe: Recipe = INT8, name: str = SCENARIO) -> Bundle:
    scenario = load_scenario(name)
    compressed = compress(scenario.network, recipe, scenario.data)
    short = Data(
        train=scenario.data.train, validation=scenario.data.validation,
        test=scenario.data.test.head(50), labels=scenario.data.labels,
    )  # fmt: skip
    (wanted,) = (t for t in targets() if t.name == target)
    proof = export(compressed, wanted, folder, short)
    return Bundle(
        scenario=name, compressed=compressed, data=short, sizes=sizes(compressed),
        proof=proof, content=(folder / proof.file).read_bytes(),
    )  # fmt: skip


def said(bundle: Bundle, folder: Path) -> str:
    """What the example prints: in a process of its own, from the unzipped folder alone."""
    with ZipFile(BytesIO(bundle.zipped())) as archive:
        archive.extractall(folder)
    path = {"PYTHONPATH": str(ROOT)} if bundle.proof.target == "fit" else {}
    ran = subprocess.run(
        [sys.executable, "load_example.py"],
        cwd=folder / bundle.folder, env={**os.environ, **path}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def preview(compressed: Compressed, data: Data) -> str:
    with torch.inference_mode():
        return data.labels[int(compressed.module(data.test.inputs(0, 1)).argmax())]


@pytest.mark.parametrize("target", RUN_HERE)
def test_the_example_gives_the_answer_of_the_preview(target: str, tmp_path: Path) -> None:
    bundle = made(target, tmp_path)

    assert said(bundle, tmp_path).split("\n")[-2] == preview(bundle.compressed, bundle.data)


@pytest.mark.parametrize("target", ["onnx", "ncnn", "fit"])
def test_the_example_reads_words(target: str, tmp_path: Path) -> None:
    bundle = made(target, tmp_path, Recipe(), name="reviews/conv")

    assert said(bundle, tmp_path).split("\n")[-2] == preview(bundle.compressed, bundle.data)


@pytest.mark.parametrize(
    "step",
    [
        Quantize(weight_bits=6, scheme="affine"),
        Quantize(weight_bits=3, grid="codebook"),
        Quantize(weight_bits=4, grid="power_of_two", granularity="per_tensor"),
        Quantize(weight_bits=4, granularity="per_group", group_size=24),
    ],
    ids=["affine", "codebook", "power of two", "groups"],
)
def test_the_example_finds_the_weights_in_safetensors(step: Quantize, tmp_path: Path) -> None:
    bundle = made("safetensors", tmp_path, Recipe(steps=(step,)))
    lines = dict(line.split(" ", 1) for line in said(bundle, tmp_path).splitlines())

    for layer in bundle.compressed.layer_names:
        total = float(lines[f"{layer}.weight"].rpartition(" ")[2])
        assert total == pytest.approx(float(bundle.compressed.weight(layer).abs().sum()), rel=1e-5)


def test_every_target_has_an_example() -> None:
    assert set(NAMES) <= set(example.TARGETS)


def test_the_zip_holds_all_that_belongs_to_the_file(tmp_path: Path) -> None:
    bundle = made("safetensors", tmp_path)
    zipped = bundle.zipped()
    with ZipFile(BytesIO(zipped)) as archive:
        parts = {Path(name).name: archive.read(name) for name in archive.namelist()}

    assert set(parts) == {
        "simple-nn.safetensors", "recipe.json", "certificate.json", "certificate.txt",
        "load_example.py", "sample.npy", "NOTICE.md",
    }  # fmt: skip
    assert Recipe.from_json(parts["recipe.json"].decode()) == INT8
    certificate = json.loads(parts["certificate.json"])
    assert Proof.from_dict(certificate["proof"]) == bundle.proof
    assert certificate["bytes"]["file"] == len(parts["simple-nn.safetensors"])
    assert bundle.proof.sha256 in parts["certificate.txt"].decode()
    assert "CC BY 4.0" in parts["NOTICE.md"].decode()
    assert "Fashion" not in parts["NOTICE.md"].decode()
    assert zipped == bundle.zipped()


def test_a_notice_without_the_section_is_given_whole() -> None:
    everything = "# All\n\n## Trained networks\n\nours\n\n## Data\n\nMIT\n"

    assert notice_of(everything, "Data") == "## Trained networks\n\nours\n\n## Data\n\nMIT\n"
    assert notice_of(everything, "Others") == everything
