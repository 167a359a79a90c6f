import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from compress_core.calibrate import SAMPLES, input_means, input_norms, observe
from compress_core.network import Network, layer_calls
from tests.browser import ROOT
from tests.nets import fingerprint, hooks, noise_data, untrained


def seen_by_hooks(network: Network, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Return (input, output) of every leaf, by node name, through forward hooks."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    handles = []
    for node, leaf in layer_calls(network.module):

        def note(_: nn.Module, args: tuple[Tensor], output: Tensor, name: str = node.name) -> None:
            seen[name] = (args[0], output)

        handles.append(leaf.register_forward_hook(note))
    with torch.no_grad():
        network.module(x)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("architecture", ["lenet-5", "vgg-small", "resnet-20"])
def test_ranges_are_those_that_hooks_see(architecture: str) -> None:
    network = untrained(architecture)
    part = noise_data(network, train=150).train
    expected = seen_by_hooks(network, part.x)
    found = observe(network.module, part, expected.keys())
    assert found.keys() == expected.keys()
    for name, (_, output) in expected.items():
        # Batches of another size round differently in the last place.
        assert found[name].low == pytest.approx(float(output.min()), rel=1e-5, abs=1e-6)
        assert found[name].high == pytest.approx(float(output.max()), rel=1e-5, abs=1e-6)
        # Of large batches only some values are counted, each for several.
        assert float(found[name].counts.sum()) == pytest.approx(output.numel(), rel=1e-3)


def test_only_the_first_samples_are_looked_at() -> None:
    network = untrained("simple-nn")
    part = noise_data(network, train=SAMPLES + 40).train
    part.x[SAMPLES:] = 1e6
    with_more = observe(network.module, part, ["fc2"])["fc2"]
    assert with_more.high < 1e3
    assert with_more.counts.sum() == SAMPLES * 10


@pytest.mark.parametrize("architecture", ["lenet-5", "resnet-20"])
def test_input_norms_and_means_are_those_that_hooks_see(architecture: str) -> None:
    network = untrained(architecture)
    part = noise_data(network, train=130).train
    inputs = {name: x for name, (x, _) in seen_by_hooks(network, part.x).items()}
    names = [layer.name for layer in network.layers]
    norms = input_norms(network.module, part, names)
    means = input_means(network.module, part, names)
    for name in names:
        x = inputs[name.replace(".", "_")].double().movedim(1, 0).flatten(1)
        assert torch.allclose(norms[name].double(), x.norm(dim=1), rtol=1e-4)
        assert torch.allclose(means[name].double(), x.mean(1), rtol=1e-4, atol=1e-5)


STREAM = """
import resource, sys
import torch
from compress_core import calibrate, data
from compress_core.data import Part
from compress_core.quantize import activation_sites
from tests.nets import untrained

torch.set_num_threads(1)
network = untrained("lenet-5")
count = calibrate.SAMPLES = int(sys.argv[1])
data.FEW_VALUES = 10**9  # or no more than 1,536 of 28 x 28 would be looked at
pixels = torch.randint(256, (count, 1, 28, 28), dtype=torch.uint8)
part = Part(name="train", x=pixels, y=torch.zeros(count, dtype=torch.int64), std=90.0)
sites = [site.node for site in activation_sites(network.module)]
found = calibrate.observe(network.module, part, sites)
calibrate.input_norms(network.module, part, ["conv2", "fc1"])
assert 0.99 < float(found["fc3"].counts.sum()) / (10 * count) < 1.01
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Calibrates on as many samples as it is told and prints the most memory that it ever held."""


def test_memory_does_not_grow_with_the_samples() -> None:
    def peak(samples: int) -> int:
        command = [sys.executable, "-c", STREAM, str(samples)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return int(ran.stdout)

    # To keep what conv1 alone puts out for 10,000 samples would take 188 MB.
    assert peak(10_000) <= 1.1 * peak(500)


def test_nothing_is_left_behind() -> None:
    network = untrained("lenet-5")
    data = noise_data(network)
    before = fingerprint(network)
    observe(network.module, data.train, ["relu1", "fc3"])
    input_norms(network.module, data.train, ["conv1", "fc1"])
    input_means(network.module, data.train, ["conv1"])
    assert hooks(network.module) == 0
    assert fingerprint(network) == before
