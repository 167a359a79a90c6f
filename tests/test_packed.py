from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch
import zstandard

from compress_core.codec import layout_of, pack
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.network import from_module
from compress_core.packed import (
    activation_grids,
    describe_grid,
    layout,
    restore_grid,
    restore_weight,
    stored_arrays,
)
from compress_core.recipe import Prune, Quantize, Recipe, Step
from compress_core.scenarios import list_seeds, list_trained, load_scenario
from compress_core.sizes import sizes, zipped_bytes
from compress_core.structure import describe, rebuild
from compress_core.zoo.build import build

SETTINGS: dict[str, tuple[Step, ...]] = {
    "nothing": (),
    "pruned": (Prune(sparsity=0.9),),
    "8 bit": (Quantize(weight_bits=8, activation_bits=8),),
    "4 bit affine": (Quantize(weight_bits=4, scheme="affine", granularity="per_tensor"),),
    "groups": (Quantize(weight_bits=4, granularity="per_group", group_size=32),),
    "codebook": (Quantize(weight_bits=3, grid="codebook"),),
    "powers of two": (Quantize(weight_bits=4, grid="power_of_two", activation_bits=6),),
    "16 bit": (Quantize(weight_bits=16),),
    "2:4": (Prune(granularity="n:m", n_of_m="2:4"), Quantize(weight_bits=8)),
    "kernels": (Prune(sparsity=0.6, granularity="kernel"), Quantize(weight_bits=8)),
    "channels": (Prune(sparsity=0.4, granularity="channel"), Quantize(weight_bits=8)),
    "bold": (Prune(sparsity=0.95, allocation="global"), Quantize(weight_bits=4)),
    "two ways": (Quantize(weight_bits=8), Quantize(weight_bits=2, layers="fc*")),
}
TRAINED = [name for name in list_trained() if list_seeds(name)]


@cache
def compressed(scenario: str, setting: str) -> Compressed:
    loaded = load_scenario(scenario, list_seeds(scenario)[0])
    return compress(loaded.network, Recipe(steps=SETTINGS[setting]), loaded.data)


@cache
def untrained(setting: str) -> Compressed:
    network = from_module(build("resnet-20", 4), (1, 28, 28), ("a", "b"), "resnet-20")
    return compress(network, Recipe(steps=SETTINGS[setting]))


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_weight_and_grid_comes_back(setting: str) -> None:
    before = compressed("digits/simple-nn", setting)
    arrays = stored_arrays(before)
    for name in before.layer_names:
        grid = before.weight_grids.get(name)
        if grid is not None:
            grid = restore_grid(arrays, f"{name}.weight", describe_grid(grid))
            assert type(grid) is type(before.weight_grids[name])
            assert torch.equal(grid.values(), before.weight_grids[name].values())
        restored = restore_weight(arrays, f"{name}.weight", grid)
        assert torch.equal(restored, before.weight(name))
    for node, grid in activation_grids(before).items():
        restored_grid = restore_grid(arrays, node, describe_grid(grid))
        assert torch.equal(restored_grid.values(), grid.values())


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_layout_is_known_from_the_description_alone(setting: str) -> None:
    before = compressed("digits/simple-nn", setting)
    known = layout(
        rebuild(describe(before.network)),
        {name: describe_grid(grid) for name, grid in before.weight_grids.items()},
        {name: describe_grid(grid) for name, grid in activation_grids(before).items()},
    )
    assert list(known.items()) == list(layout_of(stored_arrays(before)).items())


def test_what_training_alone_needs_is_not_stored() -> None:
    names = stored_arrays(untrained("nothing"))
    assert not [name for name in names if "num_batches_tracked" in name]
    assert "values:bn1.running_var" in names


def test_a_masked_weight_is_plain_zero() -> None:
    before = compressed("digits/simple-nn", "pruned")
    bits = stored_arrays(before)["values:fc1.weight"].view(np.uint32)
    assert np.count_nonzero(bits) == int(before.masks["fc1"].sum())


def test_codes_beside_the_grid_are_refused() -> None:
    before = compressed("digits/simple-nn", "4 bit affine")
    arrays = stored_arrays(before)
    arrays["codes:fc1.weight"] = arrays["codes:fc1.weight"] + np.int8(9)
    with pytest.raises(ValueError, match="not on its grid"):
        restore_weight(arrays, "fc1.weight", before.weight_grids["fc1"])


def zstd_19(arrays: dict[str, np.ndarray]) -> int:
    coder = zstandard.ZstdCompressor(level=19)
    return sum(len(coder.compress(array.tobytes())) for array in arrays.values())


def cases() -> Iterator[tuple[str, str]]:
    for setting in SETTINGS:
        yield "digits/simple-nn", setting
        yield "fashion-mnist/lenet-5", setting
    for scenario in set(TRAINED) - {"digits/simple-nn", "fashion-mnist/lenet-5"}:
        yield scenario, "8 bit"
        yield scenario, "bold"


@pytest.mark.parametrize(("scenario", "setting"), sorted(cases()))
def test_codes_are_never_larger_than_with_zstd_at_its_best(scenario: str, setting: str) -> None:
    arrays = stored_arrays(compressed(scenario, setting))
    codes = {n: a for n, a in arrays.items() if n.endswith(".weight") and "scale" not in n}
    assert len(pack(codes).data) <= zstd_19(codes)
    assert len(pack(arrays).data) <= zstd_19(arrays)


@pytest.mark.parametrize("setting", SETTINGS)
def test_sizes_are_those_of_the_file_and_add_up(setting: str) -> None:
    before = compressed("fashion-mnist/lenet-5", setting)
    size = sizes(before)
    layers = sum(layer.packed_bytes for layer in size.layers)
    # The rest: description, grids of activations, checksum.
    assert 80 <= size.packed_bytes - layers <= 500
    assert size.packed_bytes - 300 < zipped_bytes(stored_arrays(before))


def test_equal_networks_make_equal_files_whatever_the_order_of_their_grids() -> None:
    before = compressed("digits/simple-nn", "8 bit")
    turned = Compressed(
        original=before.original,
        recipe=before.recipe,
        network=before.network,
        masks={},
        weight_grids=dict(reversed(list(before.weight_grids.items()))),
        activation_grids=dict(reversed(list(before.activation_grids.items()))),
    )
    assert pack(stored_arrays(turned)).data == pack(stored_arrays(before)).data
