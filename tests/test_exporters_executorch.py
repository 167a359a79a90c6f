from pathlib import Path

import pytest

from compress_core.exporters.executorch import open_file, write
from compress_core.exporters.export import output_step
from compress_core.exporters.target import ExportError
from tests.exports import assert_same, compressed, preview, samples

LENET_5 = "fashion-mnist/lenet-5"
ALL = ("conv1", "conv2", "fc1", "fc2", "fc3")
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "floats"),
    [
        ("nothing", ()),
        ("channels w8a8", ()),
        ("zeros w4a8", ()),
        pytest.param("w8a8", (), marks=SLOW),
        pytest.param("w8a8 per tensor", (), marks=SLOW),
        pytest.param("w4a4", (), marks=SLOW),
        pytest.param("w5a6", (), marks=SLOW),
        pytest.param("zeros", (), marks=SLOW),
        pytest.param("w4", (), marks=SLOW),
        pytest.param("low rank w8a8", (), marks=SLOW),
        pytest.param("w8a8 affine", ALL, marks=SLOW),
        pytest.param("w4a8 codebook", ALL, marks=SLOW),
        pytest.param("a8 of fc*", ("conv1", "conv2", "fc1"), marks=SLOW),
    ],
)
def test_the_file_answers_as_the_preview(
    name: str, floats: tuple[str, ...], tmp_path: Path
) -> None:
    of, x = compressed(LENET_5, name), samples(LENET_5, 500)
    path = tmp_path / "network.pte"
    written = write(of, path)

    assert_same(open_file(path, of)(x), preview(of, x), output_step(of))
    assert written.floats == floats


@pytest.mark.parametrize("name", ["w8a8 affine", "w12a12"])
def test_convolutions_over_time_in_float_are_taken(name: str, tmp_path: Path) -> None:
    of, x = compressed("watch/conv", name), samples("watch/conv", 100)
    path = tmp_path / "network.pte"
    write(of, path)

    assert_same(open_file(path, of)(x), preview(of, x), output_step(of))


def test_integers_are_small_on_disk_and_need_one_call_of_xnnpack(tmp_path: Path) -> None:
    path = tmp_path / "network.pte"
    written = write(compressed("digits/simple-nn", "w8a8"), path)

    assert (written.weights, written.arithmetic) == ("8 bit codes", "8 bit integers")
    assert path.stat().st_size < 15_000  # 7,400 weights, alignment and the graph
    assert path.read_bytes().count(b"XnnpackBackend") == 1


def test_powers_of_two_as_activations_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="use the linear grid for activations"):
        write(compressed("digits/simple-nn", "powers"), tmp_path / "network.pte")


def test_the_log_stays_clean(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    of = compressed("digits/simple-nn", "w8a8")
    write(of, tmp_path / "network.pte")
    open_file(tmp_path / "network.pte", of)(samples("digits/simple-nn", 2))

    assert capfd.readouterr() == ("", "")
