import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_core.calibrate import observe
from compress_core.compress import compress
from compress_core.grids import LinearGrid, fake_quantize
from compress_core.network import Network, from_module, layer_calls, layer_weight
from compress_core.quantize import (
    BATCH_NORMS,
    activation_sites,
    fold_batch_norms,
    insert_quantizers,
    weight_grid,
)
from compress_core.recipe import Quantize, Recipe
from compress_core.scenarios import list_seeds, list_trained, load_scenario
from tests.nets import LABELS, NETWORKS, fingerprint, hooks, noise, noise_data, untrained

TRAINED = [name for name in list_trained() if list_seeds(name)]


def rounded(network: Network, bits: int, **how: object) -> dict[str, Tensor]:
    step = Quantize(weight_bits=bits, **how)  # type: ignore[arg-type]
    compressed = compress(network, Recipe(steps=(step,)))
    return {name: compressed.weight(name) for name in compressed.layer_names}


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("name", ["digits/simple-nn", "fashion-mnist/lenet-5"])
def test_weights_by_channel_are_what_torch_makes_of_them(name: str, bits: int, scheme: str) -> None:
    network = load_scenario(name).network
    for layer, found in rounded(network, bits, scheme=scheme).items():
        weight = layer_weight(network.module, layer)
        rows = weight.flatten(1)
        low, high = rows.amin(1).clamp(max=0), rows.amax(1).clamp(min=0)
        if scheme == "symmetric":
            first, last = -(2 ** (bits - 1) - 1), 2 ** (bits - 1) - 1
            scale = torch.maximum(-low, high) / last
            zero = torch.zeros(len(rows), dtype=torch.int32)
        else:
            first, last = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            scale = (high - low) / (last - first)
            zero = (first - torch.round(low / scale)).int()
        expected = torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, first, last)
        assert torch.equal(found, expected)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_by_tensor_are_what_torch_makes_of_them(bits: int) -> None:
    network = untrained("lenet-5")
    for layer, found in rounded(network, bits, granularity="per_tensor").items():
        weight = layer_weight(network.module, layer)
        last = 2 ** (bits - 1) - 1
        scale = weight.abs().max() / last
        expected = torch.fake_quantize_per_tensor_affine(
            weight, scale, torch.zeros(1, dtype=torch.int32), -last, last
        )
        assert torch.equal(found, expected)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel"])
@pytest.mark.parametrize("name", TRAINED)
def test_more_bits_are_never_worse_on_any_layer(name: str, granularity: str, scheme: str) -> None:
    network = fold_batch_norms(load_scenario(name).network)
    for layer in network.layers:
        weight = layer_weight(network.module, layer.name)
        errors = []
        for bits in range(2, 17):
            step = Quantize(weight_bits=bits, granularity=granularity, scheme=scheme)  # type: ignore[arg-type]
            moved = fake_quantize(weight, weight_grid(weight, step)) - weight
            errors.append(float(moved.double().square().mean()))
        assert errors == sorted(errors, reverse=True), layer.name


@pytest.mark.parametrize("architecture", NETWORKS)
def test_folding_batch_norms_keeps_the_answers(architecture: str) -> None:
    network = untrained(architecture)
    folded = fold_batch_norms(network)
    x = noise(network, 16)
    with torch.no_grad():
        assert torch.allclose(folded.module(x), network.module(x), atol=1e-5, rtol=1e-5)
    assert not any(isinstance(m, BATCH_NORMS) for m in folded.module.modules())
    assert [layer.name for layer in folded.layers] == [layer.name for layer in network.layers]
    assert not any(p.requires_grad for p in folded.module.parameters())


def test_only_a_batch_norm_that_reads_one_layer_alone_is_folded() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.BatchNorm2d(2)
            self.conv = nn.Conv2d(2, 2, 1)
            self.shared = nn.BatchNorm2d(2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(self.first(x))
            return self.shared(y) + y

    network = from_module(Branches(), (2, 3, 3), LABELS, "branches")
    folded = fold_batch_norms(network)
    kept = [node.name for node, leaf in layer_calls(folded.module) if isinstance(leaf, BATCH_NORMS)]
    assert kept == ["first", "shared"]
    assert torch.equal(folded.module(noise(network)), network.module(noise(network)))


def test_linear_layers_and_one_axis_are_folded_too() -> None:
    module = nn.Sequential(
        nn.Conv1d(1, 3, 3), nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(18, 4), nn.BatchNorm1d(4)
    )
    generator = torch.Generator().manual_seed(0)
    for norm in (module[1], module[4]):
        norm.running_mean.uniform_(-1, 1, generator=generator)
        norm.running_var.uniform_(0.5, 2, generator=generator)
    network = from_module(module, (1, 8), LABELS, "one axis")
    folded = fold_batch_norms(network)
    assert len(list(layer_calls(folded.module))) == 3
    x = noise(network)
    assert torch.allclose(folded.module(x), network.module(x), atol=1e-6)


def sites(network: Network) -> list[tuple[str, str | None, bool]]:
    found = activation_sites(fold_batch_norms(network).module)
    return [(site.node, site.layer, site.answer) for site in found]


def test_where_lenet_5_rounds_its_activations() -> None:
    assert sites(untrained("lenet-5")) == [
        ("input_1", None, False),
        ("relu1", "conv1", False),
        ("relu2", "conv2", False),
        ("relu3", "fc1", False),
        ("relu4", "fc2", False),
        ("fc3", "fc3", True),
    ]


def test_where_a_residual_block_rounds_its_activations() -> None:
    # A sum is rounded after its ReLU, and both things that it adds before.
    assert sites(untrained("resnet-20"))[:5] == [
        ("x", None, False),
        ("relu1", "conv1", False),
        ("stage1_0_relu1", "stage1.0.conv1", False),
        ("stage1_0_conv2", "stage1.0.conv2", False),
        ("stage1_0_relu2", None, False),
    ]
    assert sites(untrained("resnet-20"))[-2:] == [("pool", None, False), ("fc", "fc", True)]
    assert len(sites(untrained("resnet-20"))) == 2 + 9 * 3 + 2 + 2


def test_where_the_others_round_their_activations() -> None:
    assert [site[0] for site in sites(untrained("vgg-small"))] == [
        "input_1", "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "fc",
    ]  # fmt: skip
    assert [site[0] for site in sites(untrained("simple-nn"))] == ["input_1", "relu1", "fc2"]


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_activations_are_rounded_as_torch_would(bits: int) -> None:
    network = untrained("lenet-5")
    data = noise_data(network)
    step = Quantize(weight_bits=None, activation_bits=bits)
    compressed = compress(network, Recipe(steps=(step,)), data)
    x = noise(network)

    def rounded_to(low: float, high: float, y: Tensor, bits: int) -> Tensor:
        bottom, top = torch.tensor([low, high, 0.0]).aminmax()
        first, last = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        scale = (top - bottom) / (last - first)
        zero = (first - torch.round(bottom / scale)).int()
        return torch.fake_quantize_per_tensor_affine(y, scale, zero, first, last)

    names = [site[0] for site in sites(network)]
    seen = observe(network.module, data.train, names)
    assert list(compressed.activation_grids) == names
    ends = {name: (seen[name].low, seen[name].high) for name in names}
    layers = {name: network.module.get_submodule(name) for name in ("conv1", "conv2")}
    with torch.no_grad():
        y = rounded_to(*ends["input_1"], x, bits)
        for index in (1, 2):
            y = rounded_to(*ends[f"relu{index}"], F.relu(layers[f"conv{index}"](y)), bits)
            y = F.max_pool2d(y, 2)
        y = y.flatten(1)
        for index in (1, 2):
            linear = network.module.get_submodule(f"fc{index}")
            y = rounded_to(*ends[f"relu{index + 2}"], F.relu(linear(y)), bits)
        # The answer keeps at least 8 bits.
        y = rounded_to(*ends["fc3"], network.module.get_submodule("fc3")(y), max(bits, 8))
        # 16-bit codes can differ by one, where float32 cannot tell which value is nearer.
        assert torch.allclose(compressed.module(x), y, atol=1e-6 if bits < 16 else 1e-3)


def test_ranges_of_activations_come_from_training_samples_alone() -> None:
    network = untrained("lenet-5")
    data = noise_data(network)
    recipe = Recipe(steps=(Quantize(activation_bits=8),))
    before = compress(network, recipe, data).activation_grids
    data.validation.x.mul_(100)
    data.test.x.mul_(100)
    after = compress(network, recipe, data).activation_grids
    for name, grid in before.items():
        assert torch.equal(grid.scale, after[name].scale)
    data.train.x.mul_(2)
    assert float(compress(network, recipe, data).activation_grids["input_1"].scale) == (
        pytest.approx(2 * float(before["input_1"].scale))
    )


def test_after_a_relu_no_code_is_wasted_on_negative_values() -> None:
    network = untrained("lenet-5")
    compressed = compress(
        network, Recipe(steps=(Quantize(activation_bits=4),)), noise_data(network)
    )
    grid = compressed.activation_grids["relu1"]
    assert isinstance(grid, LinearGrid)
    assert float(grid.values().min()) == 0 and int(grid.zero_point) == grid.low == -8


def test_quantizers_hang_in_the_graph_and_nowhere_else() -> None:
    network = untrained("resnet-20")
    before = fingerprint(network)
    compressed = compress(
        network, Recipe(steps=(Quantize(activation_bits=8),)), noise_data(network)
    )
    calls = [str(node.target) for node, _ in layer_calls(compressed.module)]
    assert sum(call.endswith("_grid") for call in calls) == len(compressed.activation_grids)
    assert hooks(compressed.module) == hooks(network.module) == 0
    assert fingerprint(network) == before
    compressed.module.graph.lint()


def test_quantizers_without_a_grid_are_left_out() -> None:
    network = untrained("lenet-5")
    insert_quantizers(network.module, {})
    assert fingerprint(network) == fingerprint(untrained("lenet-5"))
