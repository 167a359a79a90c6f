import pytest
import torch

from compress_core.compress import compress
from compress_core.network import layer_weight
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.treatment import Treatment, foreseen, treatments
from tests.nets import noise_data, thin_resnet, untrained

NETWORK = untrained("simple-nn")


def test_nothing_done_is_nothing_to_tell() -> None:
    names = (None, "fc1", "fc2")
    assert foreseen(NETWORK, Recipe()) == tuple(Treatment(name) for name in names)


def test_each_layer_tells_its_sparsity_and_its_bits() -> None:
    recipe = Recipe(
        steps=(
            Prune(sparsity=0.5, layers="fc1"),
            Quantize(weight_bits=None, activation_bits=4),
            Quantize(weight_bits=None, activation_bits=3, layers="fc1"),
        )
    )
    assert foreseen(NETWORK, recipe) == (
        Treatment(None, activation_bits=4),
        Treatment("fc1", sparsity=0.5, activation_bits=3),
        Treatment("fc2", activation_bits=8),  # answers keep 8 bits at least
    )


def test_rounding_is_the_error_of_the_kept_weights_alone() -> None:
    recipe = Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=3)))
    result = compress(NETWORK, recipe)
    weight, mask = layer_weight(NETWORK.module, "fc1"), result.masks["fc1"]
    error = result.weight("fc1") - weight * mask
    expected = float(error.square().sum() / weight.square().sum())

    (_, fc1, _) = treatments(result)
    assert fc1.rounding == pytest.approx(expected, rel=1e-5)
    (_, harsher, _) = foreseen(NETWORK, Recipe(steps=(Quantize(weight_bits=2),)))
    assert harsher.rounding > fc1.rounding


def test_what_is_foreseen_is_what_is_done() -> None:
    recipe = Recipe(
        steps=(
            Prune(sparsity=0.6, allocation="global"),
            Quantize(weight_bits=4, activation_bits=5),
            Quantize(weight_bits=2, layers="fc2"),
        )
    )
    assert foreseen(NETWORK, recipe) == treatments(compress(NETWORK, recipe, noise_data(NETWORK)))


def test_sums_of_layers_belong_to_none_of_them() -> None:
    network = thin_resnet()
    bits = Quantize(weight_bits=None, activation_bits=8)
    own = Quantize(weight_bits=None, activation_bits=3, layers="stage1.0.conv2")
    shared, *layers = foreseen(network, Recipe(steps=(bits, own)))
    assert (shared.layer, shared.activation_bits) == (None, 8)
    assert {t.layer: t.activation_bits for t in layers}["stage1.0.conv2"] == 3


def test_a_layer_of_zeros_has_no_error() -> None:
    module = untrained("simple-nn")
    with torch.no_grad():
        layer_weight(module.module, "fc2").zero_()
    assert foreseen(module, Recipe(steps=(Quantize(weight_bits=2),)))[2].rounding == 0
