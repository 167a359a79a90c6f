import json

import pytest
import torch

from compress_core.compress import compress
from compress_core.evaluate import evaluate
from compress_core.network import layer_weight
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import load_scenario
from compress_core.sizes import sizes
from compress_core.worth import Worth, worth
from tests.nets import noise_data, untrained

SCENARIO = load_scenario("digits/simple-nn")


def test_worth_is_what_evaluation_and_sizes_say() -> None:
    recipe = Recipe(steps=(Prune(sparsity=0.75), Quantize(weight_bits=4, activation_bits=8)))
    compressed = compress(SCENARIO.network, recipe, SCENARIO.data)
    found = worth(compressed, SCENARIO.data.validation)
    judged, size = evaluate(compressed, SCENARIO.data.validation), sizes(compressed)
    assert found == Worth(
        part="validation",
        accuracy=judged.accuracy,
        loss=judged.loss,
        per_class=judged.per_class,
        fp32_bytes=size.fp32_bytes,
        theory_bytes=size.theory_bytes,
        packed_bytes=size.packed_bytes,
        parameters=7510,
        nonzero=sum(layer.nonzero for layer in size.layers),
        macs=7400,
    )
    # A quarter of 6,400 and 1,000 weights, less what was rounded to zero, and 110 biases.
    assert found.nonzero <= 1850 + 110


def test_the_worth_of_a_network_is_that_of_an_empty_recipe() -> None:
    part = SCENARIO.data.validation
    assert worth(SCENARIO.network, part) == worth(compress(SCENARIO.network, Recipe()), part)
    assert worth(SCENARIO.network, part).fp32_bytes == 4 * 7510


def test_zeros_outside_of_layers_are_not_left_out_and_parameters_add_up() -> None:
    network = untrained("vgg-small")
    layer_weight(network.module, "fc")[:5] = 0
    found = worth(network, noise_data(network).test)
    assert found.parameters == 298_410
    assert found.nonzero == 298_410 - 5 * 1152


def test_an_interval_comes_with_every_accuracy() -> None:
    found = worth(SCENARIO.network, SCENARIO.data.test)
    assert found.accuracy.n == 360 and found.accuracy.low < found.accuracy.value
    assert len(found.per_class) == 10
    assert all(recall is not None and recall.n > 20 for recall in found.per_class)


@pytest.mark.parametrize("count", [1, 50])
def test_worth_survives_json(count: int) -> None:
    found = worth(SCENARIO.network, SCENARIO.data.validation.head(count))
    again = Worth.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    assert (None in again.per_class) == (count == 1)


def test_equal_work_has_equal_worth() -> None:
    torch.manual_seed(1)
    one = worth(SCENARIO.network, SCENARIO.data.validation)
    torch.manual_seed(2)
    assert worth(SCENARIO.network, SCENARIO.data.validation) == one
