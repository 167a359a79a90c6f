from pathlib import Path

import pytest

from compress_core.exporters.export import output_step
from compress_core.exporters.litert import open_file, write
from compress_core.exporters.target import ExportError
from compress_core.exporters.targets import targets
from tests.exports import assert_same, compressed, preview, samples

(TARGET,) = (target for target in targets() if target.name == "litert")
LENET_5 = "fashion-mnist/lenet-5"


@pytest.mark.parametrize(
    ("name", "kilobytes"),
    [
        ("nothing", 252),
        ("w8a8", 74),
        ("channels w8a8", 34),
        ("zeros w4a8", 74),
        ("w4a4", 79),
        ("low rank w8a8", 45),
        ("w8a8 affine", 260),
        ("a8 of fc*", 222),
    ],
)
def test_the_file_answers_as_the_preview(name: str, kilobytes: int, tmp_path: Path) -> None:
    of, x = compressed(LENET_5, name), samples(LENET_5, 300)
    path = tmp_path / "network.tflite"
    write(of, path)

    assert_same(open_file(path, of)(x), preview(of, x), output_step(of))
    assert kilobytes - 8 < path.stat().st_size / 1000 <= kilobytes


@pytest.mark.parametrize("scenario", ["reviews/conv", "watch/conv"])
def test_means_along_time_keep_values_larger_than_any_mean(scenario: str, tmp_path: Path) -> None:
    of, x = compressed(scenario, "w8a8"), samples(scenario, 60)
    write(of, tmp_path / "network.tflite")

    assert_same(open_file(tmp_path / "network.tflite", of)(x), preview(of, x), output_step(of))


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        ("reviews/transformer", "w8a8"),
        ("reviews/transformer", "channels w8a8"),
        ("fashion-mnist/resnet-20", "w8a8"),
    ],
)
def test_sums_products_and_softmaxes_are_exact(scenario: str, name: str, tmp_path: Path) -> None:
    of, x = compressed(scenario, name), samples(scenario, 40)
    write(of, tmp_path / "network.tflite")

    gap = open_file(tmp_path / "network.tflite", of)(x) - preview(of, x)
    assert gap.abs().max() == 0


def test_powers_of_two_as_activations_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="LiteRT has no operator that rounds activations to"):
        write(compressed("digits/simple-nn", "powers"), tmp_path / "network.tflite")


def test_the_log_stays_clean(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    of = compressed("digits/simple-nn", "w8a8")
    write(of, tmp_path / "network.tflite")
    open_file(tmp_path / "network.tflite", of)(samples("digits/simple-nn", 2))

    assert capfd.readouterr() == ("", "")


def test_the_extra_is_pinned_and_named() -> None:
    lines = (Path(__file__).parent.parent / "requirements-litert.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]

    assert pins == ["ai-edge-litert==2.3.0", "litert-torch==0.10.0"]
    assert "requirements-litert.txt" in TARGET.remedy
