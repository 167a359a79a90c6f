"""What building a sketch takes, and what it is known by."""

import tracemalloc

import pytest
import torch
from torch import nn

from compress_core.network import from_module, layer_weight
from compress_core.sketch_layer import sketch_layer
from compress_core.sketch_network import sketch_network, weights_digest
from tests.nets import untrained
from tests.test_sketch import weights


@pytest.mark.parametrize(
    "shape", [(100, 80), (120, 400), (512, 512), (512, 513), (640, 1024), (641, 1024), (800, 1600)]
)
def test_building_takes_little_memory_beside_the_weights(shape: tuple[int, int]) -> None:
    values = weights(4, *shape)
    tracemalloc.start()
    try:
        sketch_layer("fc", values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 1.2 * values.nbytes


def test_a_network_is_not_copied_to_be_sketched() -> None:
    module = nn.Sequential(nn.Linear(1000, 1000), nn.BatchNorm1d(1000), nn.Linear(1000, 1000))
    network = from_module(module, (1000,), ("a",) * 1000, "wide")
    tracemalloc.start()
    try:
        sketch_network(network)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The first layer's finished sketch is there when the second is made.
    assert peak <= 1.2 * 4 * 1000 * 1000


def test_a_digest_is_of_the_weights() -> None:
    network, same = untrained("lenet-5"), untrained("lenet-5")
    assert weights_digest(network) == weights_digest(same)
    with torch.no_grad():
        layer_weight(same.module, "fc3")[0, 0] += 1e-6
    assert weights_digest(network) != weights_digest(same)
