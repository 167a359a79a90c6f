import json
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from compress_core.exporters.coreml import write
from compress_core.exporters.target import ExportError
from compress_core.exporters.targets import targets
from tests.exports import compressed

(TARGET,) = (target for target in targets() if target.name == "coreml")

# executorch brings it along on most systems.
installed = pytest.mark.skipif(not TARGET.available, reason=f"{TARGET.missing}: {TARGET.remedy}")


@installed
@pytest.mark.parametrize(
    ("name", "weights", "kilobytes"),
    [
        ("nothing", "16 bit floats", 135),
        ("w8a8", "8 bit codes", 90),
        ("zeros w4a8", "8 bit codes", 90),
        ("w4 groups", "16 bit floats", 135),
    ],
)
def test_the_zip_holds_one_package(name: str, weights: str, kilobytes: int, tmp_path: Path) -> None:
    path = tmp_path / "network.mlpackage.zip"
    written = write(compressed("fashion-mnist/lenet-5", name), path)

    assert (written.weights, written.arithmetic) == (weights, "16 bit floats")
    assert path.stat().st_size <= 1000 * kilobytes
    archive = ZipFile(path)
    assert {name.split("/")[0] for name in archive.namelist()} == {"model.mlpackage"}
    manifest = json.loads(archive.read("model.mlpackage/Manifest.json"))
    paths = [entry["path"] for entry in manifest["itemInfoEntries"].values()]
    inside = [name.removeprefix("model.mlpackage/Data/") for name in archive.namelist()]
    assert all(any(name.startswith(path) for name in inside) for path in paths)


@installed
def test_powers_of_two_as_activations_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="use the linear grid for activations"):
        write(compressed("digits/simple-nn", "powers"), tmp_path / "network.mlpackage.zip")


def test_it_is_run_where_core_ml_is() -> None:
    assert (TARGET.open is not None) == (sys.platform == "darwin")
