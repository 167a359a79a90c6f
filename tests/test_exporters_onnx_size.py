from pathlib import Path

import pytest

from compress_core.compress import compress
from compress_core.exporters.onnx import write
from compress_core.exporters.onnx_size import expected_bytes
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.scenarios import load_scenario

INT8 = Quantize(weight_bits=8, activation_bits=8)
SETTINGS: dict[str, tuple[Step, ...]] = {
    "float": (),
    "8 bit": (INT8,),
    "4 bit": (Quantize(weight_bits=4, activation_bits=8),),
    "weights alone": (Quantize(weight_bits=6),),
    "fewer channels": (Prune(sparsity=0.3, granularity="channel"), INT8),
}


@pytest.mark.parametrize("steps", SETTINGS.values(), ids=SETTINGS)
def test_the_file_is_as_long_as_expected(steps: tuple[Step, ...], tmp_path: Path) -> None:
    scenario = load_scenario("fashion-mnist/lenet-5")
    compressed = compress(scenario.network, Recipe(steps=steps), scenario.data.head(500, 0))
    write(compressed, tmp_path / "lenet.onnx")
    written = (tmp_path / "lenet.onnx").stat().st_size
    assert expected_bytes(compressed) == pytest.approx(written, rel=0.03)


def test_zeros_take_as_much_room_as_other_weights() -> None:
    network = load_scenario("fashion-mnist/lenet-5").network
    pruned = compress(network, Recipe(steps=(Prune(sparsity=0.9),)))
    assert expected_bytes(pruned) == expected_bytes(compress(network, Recipe()))
