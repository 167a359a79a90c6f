from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest

from compress_core.exporters.ncnn import open_file, write
from tests.exports import assert_same, compressed, preview, samples


@pytest.mark.parametrize("scenario", ["digits/simple-nn", "fashion-mnist/lenet-5"])
@pytest.mark.parametrize("name", ["nothing", "zeros", "w8"])
def test_without_rounded_activations_the_classes_are_the_same(
    scenario: str, name: str, tmp_path: Path
) -> None:
    of, x = compressed(scenario, name), samples(scenario, 300)
    path = tmp_path / "network.ncnn.zip"
    written = write(of, path)

    assert_same(open_file(path, of)(x), preview(of, x), 0.05)
    assert written.remark == ""


def test_rounded_activations_are_said_to_be_left_out(tmp_path: Path) -> None:
    of, x = compressed("fashion-mnist/lenet-5", "w8a8"), samples("fashion-mnist/lenet-5", 300)
    path = tmp_path / "network.ncnn.zip"
    written = write(of, path)
    same = open_file(path, of)(x).argmax(1) == preview(of, x).argmax(1)

    assert "not rounded here" in written.remark and not written.rounds
    assert float(same.float().mean()) > 0.98


def test_the_zip_holds_what_ncnn_loads_as_it_is(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("first.zip", "second.zip")]
    for path in paths:
        write(compressed("digits/simple-nn", "nothing"), path)

    entries = ZipFile(paths[0]).infolist()
    assert [e.filename for e in entries] == ["model.ncnn.param", "model.ncnn.bin"]
    assert all(e.compress_type == ZIP_STORED for e in entries)
    assert entries[1].file_size >= 2 * 7_400  # 16 bits a weight
    assert paths[0].read_bytes() == paths[1].read_bytes()
