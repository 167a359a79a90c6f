from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from compress_core.exporters.pt2 import open_file, write
from tests.exports import STEPS, compressed, preview, samples

SCENARIO = "digits/simple-nn"


@pytest.mark.parametrize("name", [name for name in STEPS if name != "a8 of fc*"])
def test_the_file_answers_as_the_preview(name: str, tmp_path: Path) -> None:
    of, x = compressed(SCENARIO, name), samples(SCENARIO, 100)
    path = tmp_path / "network.pt2"
    write(of, path)

    tolerance = 0.02 if name == "w12a12" else 1e-6
    assert torch.allclose(open_file(path, of)(x), preview(of, x), atol=tolerance)


def test_weights_on_a_grid_are_codes(tmp_path: Path) -> None:
    sizes = {}
    for name in ("nothing", "w8a8"):
        path = tmp_path / "network.pt2"
        write(compressed("fashion-mnist/lenet-5", name), path)
        sizes[name] = path.stat().st_size

    # Some 30 to 60 kB are the graph, as JSON.
    assert sizes["nothing"] > 4 * 61_706
    assert sizes["w8a8"] < 61_706 + 70_000


def test_no_stack_trace_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "network.pt2"
    write(compressed(SCENARIO, "w8a8"), path)

    with ZipFile(path) as archive:
        graphs = [archive.read(name) for name in archive.namelist() if name.endswith("model.json")]
    assert graphs and all(b".py" not in graph for graph in graphs)
