import pytest
import torch
from safetensors.torch import save

from compress_core.checkpoint import from_bytes, to_bytes
from compress_core.compress import compress
from compress_core.iterate import run_recipe
from compress_core.recipe import Factorize, Finetune, Prune, Quantize, Recipe, Step
from compress_core.scenarios import load_scenario
from compress_core.zoo.build import build

SCENARIO = load_scenario("digits/simple-nn")

RECIPES: dict[str, tuple[Step, ...]] = {
    "nothing": (),
    "weights": (Prune(sparsity=0.7),),
    "channels": (Prune(sparsity=0.5, granularity="channel"), Prune(sparsity=0.3)),
    "rounded": (Prune(sparsity=0.7), Quantize(weight_bits=3, activation_bits=5)),
    "groups": (Quantize(weight_bits=3, granularity="per_group", group_size=16),),
    "learned": (Prune(sparsity=0.3), Quantize(weight_bits=3, rounding="learned")),
    "codebook": (Quantize(weight_bits=3, grid="codebook", granularity="per_tensor"),),
    "powers": (Quantize(weight_bits=4, grid="power_of_two", activation_bits=8),),
    "low rank": (Factorize(rank=0.2), Quantize(weight_bits=8)),
}


@pytest.mark.parametrize("steps", RECIPES.values(), ids=RECIPES)
def test_a_checkpoint_answers_as_what_was_stored(steps: tuple[Step, ...]) -> None:
    recipe = Recipe(steps=steps)
    stored = compress(SCENARIO.network, recipe, SCENARIO.data)
    restored = from_bytes(to_bytes(stored), SCENARIO.network, recipe)
    x = SCENARIO.data.validation.inputs(0, 40)
    assert torch.equal(restored.module(x), stored.module(x))
    assert restored.network.layers == stored.network.layers
    assert restored.masks.keys() == stored.masks.keys()
    assert to_bytes(restored) == to_bytes(stored)


def test_shapes_that_cycles_left_come_back() -> None:
    steps = (Prune(sparsity=0.83, granularity="channel"),)
    recipe = Recipe(steps=steps, finetune=Finetune(cycles=3, batch_size=128, amp=False))
    *_, end = run_recipe(SCENARIO.network, recipe, SCENARIO.data)
    stored = end.result  # type: ignore[union-attr]
    restored = from_bytes(to_bytes(stored), SCENARIO.network, recipe)
    assert restored.network.layers == stored.network.layers


def test_other_files_are_refused() -> None:
    plain = save({name: t.contiguous() for name, t in build("simple-nn", 0).state_dict().items()})
    with pytest.raises(ValueError, match="no checkpoint"):
        from_bytes(plain, SCENARIO.network, Recipe())


@pytest.mark.parametrize("data", [b"", b"x" * 100], ids=["nothing", "something"])
def test_what_is_no_file_of_tensors_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="checkpoint is damaged"):
        from_bytes(data, SCENARIO.network, Recipe())


def test_a_cut_checkpoint_is_refused() -> None:
    data = to_bytes(compress(SCENARIO.network, Recipe(steps=RECIPES["rounded"]), SCENARIO.data))
    for length in (8, 50, 1000, len(data) - 1):
        with pytest.raises(ValueError, match="checkpoint is damaged"):
            from_bytes(data[:length], SCENARIO.network, Recipe())
