import pytest
import torch

from compress_core.compress import compress
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import load_scenario
from compress_core.trainable import Trainable, trained

SCENARIO = load_scenario("digits/simple-nn")


@pytest.mark.parametrize("learn_scales", [False, True])
@pytest.mark.parametrize("grid", ["linear", "codebook", "power_of_two"])
def test_before_training_it_answers_as_the_compressed_network_does(
    learn_scales: bool, grid: str
) -> None:
    steps = (Prune(sparsity=0.5), Quantize(weight_bits=4, activation_bits=8, grid=grid))  # type: ignore[arg-type]
    compressed = compress(SCENARIO.network, Recipe(steps=steps), SCENARIO.data)
    trainable = Trainable(compressed, learn_scales).eval()
    x = SCENARIO.data.validation.inputs(0, 50)
    with torch.no_grad():
        assert torch.allclose(trainable(x), compressed.module(x), atol=1e-4)


def test_a_state_comes_back_as_a_network_that_answers_the_same() -> None:
    steps = (Prune(sparsity=0.5), Quantize(weight_bits=3, activation_bits=6))
    compressed = compress(SCENARIO.network, Recipe(steps=steps), SCENARIO.data)
    trainable = Trainable(compressed, learn_scales=True)
    with torch.no_grad():
        for parameter in trainable.parameters():
            parameter.add_(0.01)
    x = SCENARIO.data.validation.inputs(0, 50)
    trainable.eval()
    after = trained(compressed, trainable, trainable.state_dict())
    with torch.no_grad():
        assert torch.equal(after.module(x), trainable(x))
    assert not torch.equal(after.module(x), compressed.module(x))
    assert (after.float_weight("fc1")[~after.masks["fc1"]] == 0).all()
    assert not torch.equal(after.weight_grids["fc1"].scale, compressed.weight_grids["fc1"].scale)
