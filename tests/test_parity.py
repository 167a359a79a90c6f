"""What you see is what you ship: int8 files give the codes that the preview gives, every one."""

from functools import lru_cache
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data
from compress_core.events import Finished
from compress_core.exporters import executorch, onnx
from compress_core.exporters.export import output_step
from compress_core.finetune import finetune
from compress_core.network import Network
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.scenarios import list_trained, load_scenario
from tests.branches import branches
from tests.nets import noise, noise_data, thin_resnet

INT8 = Quantize(weight_bits=8, activation_bits=8)
RECIPES = {
    "int8": Recipe(steps=(INT8,)),
    "channels": Recipe(
        steps=(Prune(sparsity=0.3, granularity="channel"), INT8),
        finetune=Finetune(epochs=1, samples=640, batch_size=64, lr=1e-3),
    ),
    "learned scales": Recipe(
        steps=(INT8,), finetune=Finetune(epochs=1, batch_size=32, lr=1e-2, scales="learned")
    ),
    "4 bit weights": Recipe(steps=(Quantize(weight_bits=4, activation_bits=8),)),
    "4 bit": Recipe(steps=(Quantize(weight_bits=4, activation_bits=4),)),
    "4 bit of b": Recipe(
        steps=(INT8, Quantize(weight_bits=4, activation_bits=4, layers="b.*")),
    ),
}
RUNTIMES = {"onnx": onnx, "executorch": executorch}
ASKED = ("int8", "channels", "4 bit weights")
"""What every built-in network is tried with."""


def made(network: Network, data: Data, recipe: Recipe) -> Compressed:
    """Return the network after the recipe, fine-tuning included."""
    of = compress(network, recipe, data)
    if recipe.finetune is None:
        return of
    (result,) = (
        event.result for event in finetune(of, recipe.finetune, data) if isinstance(event, Finished)
    )
    return result


@lru_cache
def built_in(scenario: str, recipe: str) -> tuple[Compressed, Tensor, Tensor]:
    """Return a compressed network, all test samples and what the preview answers to them."""
    loaded = load_scenario(scenario)
    of = made(loaded.network, loaded.data, RECIPES[recipe])
    x = loaded.data.test.inputs()
    return of, x, answers(of.module, x)


@lru_cache
def untrained(name: str, recipe: str) -> tuple[Compressed, Tensor, Tensor]:
    """Return the same for a network of branches and 200 random samples."""
    network = thin_resnet() if name == "resnet" else branches(name)
    of = made(network, noise_data(network), RECIPES[recipe])
    x = noise(network, 200, seed=5)
    return of, x, answers(of.module, x)


def answers(run: torch.nn.Module, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.cat([run(part) for part in x.split(100)])


def shipped(of: Compressed, x: Tensor, runtime: ModuleType, folder: Path) -> Tensor:
    """Return what the written file answers in its runtime."""
    path = folder / "network.file"
    runtime.write(of, path)
    run = runtime.open_file(path, of)
    return torch.cat([run(part) for part in x.split(100)])


def assert_equal(of: Compressed, answer: Tensor, expected: Tensor) -> None:
    """Fail unless every answer is the same code; floats may differ in their last digits."""
    step = output_step(of)
    assert step is not None
    assert torch.equal(torch.round(answer / step), torch.round(expected / step))


SLOW = pytest.mark.slow
runtimes = pytest.mark.parametrize("runtime", RUNTIMES)


@pytest.mark.parametrize(
    ("name", "recipe", "runtime"),
    [
        ("bottlenecks", "4 bit weights", "onnx"),
        pytest.param("bottlenecks", "4 bit weights", "executorch", marks=SLOW),
        ("dense", "int8", "onnx"),
        ("dense", "int8", "executorch"),
        pytest.param("dense", "4 bit of b", "executorch", marks=SLOW),
        ("grouped", "4 bit", "onnx"),
        ("chain", "int8", "executorch"),
        ("twice", "int8", "onnx"),
        pytest.param("resnet", "channels", "onnx", marks=SLOW),
        pytest.param("resnet", "channels", "executorch", marks=SLOW),
        pytest.param("resnet", "learned scales", "onnx", marks=SLOW),
        pytest.param("resnet", "learned scales", "executorch", marks=SLOW),
        pytest.param("grouped", "4 bit", "executorch", marks=SLOW),
        pytest.param("sound", "int8", "onnx", marks=SLOW),
        pytest.param("sound", "int8", "executorch", marks=SLOW),
        pytest.param("chain", "int8", "onnx", marks=SLOW),
        pytest.param("twice", "int8", "executorch", marks=SLOW),
    ],
)
def test_branches_meet_in_the_same_codes(
    name: str, recipe: str, runtime: str, tmp_path: Path
) -> None:
    of, x, preview = untrained(name, recipe)
    assert_equal(of, shipped(of, x, RUNTIMES[runtime], tmp_path), preview)
    # Outputs that are all the same would show nothing.
    assert len(preview.unique()) > 50


@pytest.mark.parametrize("runtime", ["onnx", pytest.param("executorch", marks=SLOW)])
def test_what_runtimes_compute_in_float_is_near(runtime: str, tmp_path: Path) -> None:
    of, x, preview = untrained("gated", "int8")
    step = output_step(of)
    answer = shipped(of, x, RUNTIMES[runtime], tmp_path)
    assert step is not None and float((answer - preview).abs().max()) <= 1.001 * step


@pytest.mark.parametrize(
    ("recipe", "runtime"), [*((recipe, "onnx") for recipe in ASKED), ("channels", "executorch")]
)
def test_a_small_network_gives_the_same_codes_on_every_test_sample(
    recipe: str, runtime: str, tmp_path: Path
) -> None:
    of, x, preview = built_in("digits/simple-nn", recipe)
    assert_equal(of, shipped(of, x, RUNTIMES[runtime], tmp_path), preview)


@runtimes
def test_after_pruning_and_fine_tuning_lenet_5_gives_the_same_codes(
    runtime: str, tmp_path: Path
) -> None:
    of, x, preview = built_in("fashion-mnist/lenet-5", "channels")
    answer = shipped(of, x[:1000], RUNTIMES[runtime], tmp_path)
    assert_equal(of, answer, preview[:1000])


@SLOW
@runtimes
@pytest.mark.parametrize("recipe", ASKED)
@pytest.mark.parametrize("scenario", list_trained())
def test_every_class_is_the_same_on_every_test_sample(
    scenario: str, recipe: str, runtime: str, tmp_path: Path
) -> None:
    of, x, preview = built_in(scenario, recipe)
    answer, step = shipped(of, x, RUNTIMES[runtime], tmp_path), output_step(of)

    gap = float((answer - preview).abs().max()) / (step or 1)
    same = float((answer.argmax(1) == preview.argmax(1)).double().mean())
    print(f"{scenario} | {recipe} | {runtime} | {len(x)} | {same:.2%} | {gap:.3f} steps")
    assert same == 1
    assert step is not None and gap <= 1.001
