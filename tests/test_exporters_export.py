import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from compress_core.exporters.export import export, samples
from compress_core.exporters.target import ExportError, Target
from compress_core.exporters.targets import targets
from compress_core.scenarios import load_scenario
from tests.exports import compressed

DIGITS = "digits/simple-nn"
EXACT = {"fit", "onnx", "executorch", "pt2", "safetensors"}
"""Targets whose files answer as the preview does, whatever was rounded."""

HERE = [target for target in targets() if target.available and target.open is not None]
each_target = pytest.mark.parametrize("target", HERE, ids=lambda target: target.name)


@each_target
def test_the_proof_is_about_the_file(target: Target, tmp_path: Path) -> None:
    of, data = compressed(DIGITS, "zeros w4a8"), load_scenario(DIGITS).data
    proof = export(of, target, tmp_path, data)
    content = (tmp_path / proof.file).read_bytes()

    assert os.listdir(tmp_path) == [proof.file] == [f"simple-nn{target.suffix}"]
    assert proof.bytes == os.path.getsize(tmp_path / proof.file)
    assert proof.sha256 == sha256(content).hexdigest()
    assert proof.run is not None
    assert proof.run.agreement.n == proof.run.accuracy.n == len(data.test) == 360
    assert proof.run.accuracy.low < proof.run.accuracy.value < proof.run.accuracy.high
    assert proof.run.latency.before > 0 and proof.run.latency.rounds >= 15
    assert proof.speed.endswith("Zeros are still multiplied here: they give 1.0×.")
    if target.name in EXACT:
        assert proof.run.agreement.value == 1
        assert proof.run.step is not None and proof.run.gap <= 1.001 * proof.run.step


def test_a_missing_runtime_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    target = replace(targets()[0], needs=("torch", "no_such_runtime"), remedy="Install it.")
    of, data = compressed(DIGITS, "nothing"), load_scenario(DIGITS).data

    assert target.missing == ("no_such_runtime",) and not target.available
    with pytest.raises(ExportError, match=r"^Packed file needs no_such_runtime\. Install it\.$"):
        export(of, target, tmp_path, data)
    assert os.listdir(tmp_path) == []


def test_a_conversion_that_fails_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    def write(of: object, path: Path) -> None:
        path.write_text("half a file")
        raise RuntimeError("no such operator\nand a long trace")

    target = replace(targets()[0], write=write)  # type: ignore[arg-type]
    of, data = compressed(DIGITS, "nothing"), load_scenario(DIGITS).data
    with pytest.raises(ExportError, match=r"cannot take this network: no such operator$"):
        export(of, target, tmp_path, data)
    assert os.listdir(tmp_path) == []


def test_a_file_that_cannot_be_run_here_says_so(tmp_path: Path) -> None:
    target = replace(targets()[0], open=None, runtime="Core ML")
    of, data = compressed(DIGITS, "w8a8"), load_scenario(DIGITS).data
    proof = export(of, target, tmp_path, data)

    assert proof.run is None and not proof.slower
    assert proof.speed == "Not run here: this system has no Core ML."
    assert proof.bytes == os.path.getsize(tmp_path / proof.file)


def test_large_networks_are_compared_on_fewer_samples() -> None:
    network = compressed("fashion-mnist/lenet-5", "nothing").network
    assert samples(network, 10_000) == 10_000
    assert samples(compressed("fashion-mnist/vgg-small", "nothing").network, 10_000) == 2059


@pytest.mark.slow
@pytest.mark.parametrize("name", ["w8a8", "channels w8a8", "zeros w4a8"])
@pytest.mark.parametrize("target", ["onnx", "executorch"])
@pytest.mark.parametrize(
    "scenario",
    [f"fashion-mnist/{name}" for name in ("lenet-300-100", "lenet-5", "vgg-small", "resnet-20")],
)
def test_parity_on_built_in_networks(scenario: str, target: str, name: str, tmp_path: Path) -> None:
    of, data = compressed(scenario, name), load_scenario(scenario).data
    chosen = next(t for t in targets() if t.name == target)
    proof = export(of, chosen, tmp_path, data)

    assert proof.run is not None and proof.run.step is not None
    assert proof.floats == ()
    if "resnet" in scenario:
        # Each runtime adds two branches in its own way, half a step off now and then.
        assert proof.run.agreement.value >= 0.995
        assert proof.run.gap <= 3.001 * proof.run.step
    else:
        assert proof.run.agreement.value == 1
        assert proof.run.gap < 1e-4
