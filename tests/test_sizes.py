import zlib
from math import ceil

import numpy as np
import pytest
import torch

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.envelope import check, split
from compress_core.fit_file import from_bytes, to_bytes
from compress_core.grids import LinearGrid
from compress_core.network import Network, layer_weight
from compress_core.packed import stored_arrays
from compress_core.recipe import Factorize, Prune, Quantize, Recipe, Step
from compress_core.scenarios import load_scenario
from compress_core.sizes import LayerReport, entropy_bits, float_bits, sizes, zipped_bytes
from tests.nets import NETWORKS, noise, noise_data, thin_resnet, untrained
from tests.test_compress import EVERY_KIND, each_kind


def compressed(network: Network, *steps: Step) -> Compressed:
    return compress(network, Recipe(steps=steps), noise_data(network))


def reports(of: Compressed) -> dict[str, LayerReport]:
    return {report.name: report for report in sizes(of).layers}


@pytest.mark.parametrize(
    ("architecture", "values"),
    [
        ("simple-nn", 7510),
        ("lenet-5", 61_706),
        # With batch norms, whose means and variances are stored values too.
        ("vgg-small", 298_410 + 2 * 448),
        ("resnet-20", 272_186 + 2 * 784),
    ],
)
def test_an_original_takes_four_bytes_for_each_value(architecture: str, values: int) -> None:
    network = untrained(architecture)
    assert sizes(compressed(network)).fp32_bytes == 4 * values
    # Whatever is done to it, it is compared with the original.
    assert sizes(compressed(network, Quantize(weight_bits=4))).fp32_bytes == 4 * values


@each_kind
def test_packed_bytes_are_those_of_a_file_that_gives_the_network_back(
    steps: tuple[Step, ...],
) -> None:
    shipped = compressed(thin_resnet(), *steps)
    data = to_bytes(shipped).data
    found = sizes(shipped)
    assert found.packed_bytes == len(data)
    # Rounded activations alone add grids to the file.
    assert found.packed_bytes < found.fp32_bytes or steps in ((), EVERY_KIND["activations"])
    restored = from_bytes(data)
    for name in shipped.layer_names:
        assert torch.equal(restored.weight(name), shipped.weight(name))
    x = noise(shipped.network)
    with torch.no_grad():
        assert torch.equal(restored.module(x), shipped.module(x))


@each_kind
def test_the_bytes_of_layers_other_values_and_header_add_up(steps: tuple[Step, ...]) -> None:
    shipped = compressed(thin_resnet(), *steps)
    packed, found = to_bytes(shipped), sizes(shipped)
    _, content = split(check(packed.data))
    names = {report.name for report in found.layers}
    others = sum(
        n for a, n in packed.bits.items() if a.split(":")[1].rpartition(".")[0] not in names
    )
    total = len(packed.data) - len(content) + sum(r.packed_bytes for r in found.layers) + others / 8
    # Each layer is rounded to a byte; the stream ends on four.
    assert total == pytest.approx(found.packed_bytes, abs=len(names) / 2 + 5)


def test_what_is_left_of_layers_is_counted_by_hand() -> None:
    network = untrained("lenet-5")
    found = reports(compressed(network, Prune(sparsity=0.9), Quantize(weight_bits=4)))
    fc1 = found["fc1"]
    assert (fc1.kind, fc1.shape, fc1.original_shape) == ("linear", (120, 400), (120, 400))
    assert fc1.parameters == 48_120 and fc1.fp32_bytes == 4 * 48_120
    assert fc1.sparsity == pytest.approx(0.9)
    assert (fc1.weight_bits, fc1.macs, fc1.original_macs) == (4, 48_000, 48_000)
    assert fc1.nonzero <= 4800 + 120
    assert sum(report.macs for report in found.values()) == 416_520


def test_channels_are_gone_from_shapes_work_and_weights() -> None:
    network = untrained("lenet-5")
    conv2 = reports(compressed(network, Prune(sparsity=0.5, granularity="channel")))["conv2"]
    assert (conv2.shape, conv2.original_shape) == ((8, 3, 5, 5), (16, 6, 5, 5))
    assert (conv2.parameters, conv2.sparsity) == (608, 0.75)
    assert (conv2.macs, conv2.original_macs) == (60_000, 240_000)


def test_zeros_are_counted_in_weights_and_biases_wherever_they_come_from() -> None:
    network = untrained("lenet-5")
    layer_weight(network.module, "fc3")[:, :4] = 0
    bias = network.module.get_submodule("fc3").bias
    assert isinstance(bias, torch.Tensor)
    bias[:3] = 0
    assert reports(compressed(network))["fc3"].nonzero == 840 - 40 + 7
    masked = reports(compressed(network, Prune(sparsity=0.5)))["fc3"]
    assert masked.nonzero == 420 + 7 and masked.sparsity == 0.5


def test_signal_over_noise() -> None:
    network = untrained("lenet-5")
    assert reports(compressed(network))["fc1"].sqnr_db is None
    by_bits = [
        reports(compressed(network, Quantize(weight_bits=bits)))["fc1"].sqnr_db for bits in (4, 8)
    ]
    assert by_bits[0] is not None and by_bits[1] is not None
    # 127 steps from zero to the end instead of 7.
    assert by_bits[1] - by_bits[0] == pytest.approx(20 * np.log10(127 / 7), abs=0.3)
    weight = layer_weight(network.module, "fc1").double()
    moved = compressed(network, Quantize(weight_bits=8)).weight("fc1").double() - weight
    expected = 10 * np.log10(float(weight.square().sum() / moved.square().sum()))
    assert by_bits[1] == pytest.approx(expected)


@pytest.mark.parametrize("rounding", ["nearest", "learned"])
def test_whatever_was_rounded_has_noise(rounding: str) -> None:
    scenario = load_scenario("digits/simple-nn")
    step = Quantize(weight_bits=3, rounding=rounding)  # type: ignore[arg-type]
    found = reports(compress(scenario.network, Recipe(steps=(step,)), scenario.data))
    for report in found.values():
        assert report.sqnr_db is not None and 0 < report.sqnr_db < 40


def test_entropy_of_codes() -> None:
    assert entropy_bits(torch.tensor([3, 3, 3])) == 0
    assert entropy_bits(torch.arange(8)) == 3
    assert entropy_bits(torch.tensor([0, 0, 0, 1])) == pytest.approx(0.811278)


@pytest.mark.parametrize("kind", [torch.int8, torch.int16, torch.int64])
def test_entropy_counts_codes_below_zero(kind: torch.dtype) -> None:
    assert entropy_bits(torch.tensor([[-1, -1], [0, 127]], dtype=kind)) == 1.5


def test_entropy_of_floats_by_their_bytes() -> None:
    assert float_bits(torch.ones(5)) == 0
    # 1.0 is 3f 80 00 00 and -1.0 is bf 80 00 00: one byte of four varies.
    assert float_bits(torch.tensor([1.0, -1.0, 1.0, -1.0])) == 4


def test_theory_is_shannons_bound_by_hand() -> None:
    network = untrained("simple-nn")
    weight = layer_weight(network.module, "fc2")
    generator = torch.Generator().manual_seed(0)
    # Half the weights are -1, a quarter 0 and a quarter 1 before scaling: 1.5 bits each.
    values = torch.tensor([-1.0, -1.0, 0.0, 1.0]).repeat(250)
    weight.copy_(values[torch.randperm(1000, generator=generator)].reshape(10, 100))
    step = Quantize(weight_bits=2, layers="fc2")
    found = reports(compressed(network, step))["fc2"]
    # Ten biases and ten scales of four bytes, in whole bytes.
    assert found.theory_bytes == ceil(1500 / 8) + 40 + 40
    pruned = reports(compressed(network, Prune(sparsity=0.25, layers="fc2")))["fc2"]
    # A mask of 0.8113 bits a weight, and a sign bit of entropy 0.9183 for each that is left.
    assert pruned.theory_bytes == pytest.approx((811.278 + 750 * 0.918296) / 8 + 40, abs=1)


def test_affine_codes_are_counted_from_the_zero_of_their_row() -> None:
    network = untrained("lenet-5")
    weight = layer_weight(network.module, "fc3")
    # Half of the rows reach far up, the others far down: the same weights, turned round.
    weight[:5] = torch.linspace(-0.1, 0.7, 84)
    weight[5:] = torch.linspace(-0.7, 0.1, 84)
    shipped = compressed(network, Quantize(weight_bits=4, scheme="affine", layers="fc3"))
    grid = shipped.weight_grids["fc3"]
    assert isinstance(grid, LinearGrid) and grid.zero_point[0] != grid.zero_point[5]
    codes = np.rint((shipped.weight("fc3") / grid.scale[:, None]).numpy()).astype(int)
    share = np.unique(codes, return_counts=True)[1] / 840
    bits = 840 * -(share * np.log2(share)).sum() + 32 * 10 + 10 * (32 + 16)
    assert reports(shipped)["fc3"].theory_bytes == ceil(bits / 8)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("name", ["digits/simple-nn", "fashion-mnist/lenet-5"])
def test_packed_files_come_near_the_theory(name: str, bits: int) -> None:
    scenario = load_scenario(name)
    after = compressed(scenario.network, Prune(sparsity=0.8), Quantize(weight_bits=bits))
    found, zipped = sizes(after), zipped_bytes(stored_arrays(after))
    assert 0.7 * found.theory_bytes < found.packed_bytes < 1.15 * found.theory_bytes + 800
    assert found.packed_bytes < zipped + 800
    assert found.compression_ratio == found.fp32_bytes / found.packed_bytes > 5


@pytest.mark.parametrize("architecture", NETWORKS)
def test_zip_is_what_a_zip_program_makes_of_the_same_arrays(architecture: str) -> None:
    arrays = stored_arrays(compressed(untrained(architecture), Quantize(weight_bits=4)))
    raw = b"".join(array.tobytes() for array in arrays.values())
    assert zipped_bytes(arrays) == len(zlib.compress(raw))
    assert len(raw) > sum(array.size for array in arrays.values())


def test_low_rank_rows_stand_for_their_layer() -> None:
    network = untrained("lenet-5")
    found = reports(compressed(network, Factorize(rank=0.3)))
    fc1 = [report for name, report in found.items() if name.startswith("fc1")]
    assert [report.original_macs for report in fc1] == [48_000, 0]
    assert [report.fp32_bytes for report in fc1] == [4 * 48_120, 0]
    assert sum(report.original_macs for report in found.values()) == 416_520
    assert sum(report.parameters for report in found.values()) < 61_706
