import math
from itertools import pairwise

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from compress_core import plans
from compress_core.ans import Array, Reader, Writer, join
from compress_core.codec import INTEGERS, Packer, layout_of, pack, unpack
from compress_core.contexts import PATTERNS
from compress_core.plans import learning_bits
from compress_core.symbols import blocks

TYPES = [np.dtype(name) for name in (*INTEGERS, "float32")]
SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)


def random(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def values(dtype: np.dtype) -> st.SearchStrategy:
    """Anything of a type; whole numbers no wider than the codec takes."""
    if dtype == np.int64:
        return arrays.from_dtype(dtype, min_value=-(1 << 38), max_value=1 << 38)
    return arrays.from_dtype(dtype)


def same(one: Array, other: Array) -> bool:
    return (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )


def zstd_19(array: Array) -> int:
    return len(zstandard.ZstdCompressor(level=19).compress(array.tobytes()))


def entropy_bytes(codes: Array) -> float:
    _, counts = np.unique(codes, return_counts=True)
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum() * codes.size / 8)


def laplace(*shape: int, spread: float, bits: int) -> Array:
    limit = 2 ** (bits - 1) - 1
    draw = np.rint(random().laplace(0, spread, shape)).clip(-limit, limit)
    return draw.astype(np.int8 if bits <= 8 else np.int16)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.sampled_from(TYPES).flatmap(
            lambda dtype: arrays.arrays(dtype, SHAPES, elements=values(dtype))
        ),
        max_size=4,
    )
)
def test_arrays_come_back_bit_for_bit(given_arrays: dict[str, Array]) -> None:
    packed = pack(given_arrays)
    found = unpack(packed.data, layout_of(given_arrays))
    assert all(same(found[name], array) for name, array in given_arrays.items())


@pytest.mark.parametrize("dtype", INTEGERS[1:4])
@pytest.mark.parametrize("shape", [(40, 50), (24, 16, 3, 3), (8, 9, 5), (1, 700), (700, 1)])
def test_codes_with_large_and_small_rows_and_columns_come_back(
    dtype: str, shape: tuple[int, ...]
) -> None:
    rows, columns = random().exponential(9, shape[0]), random(4).exponential(2, shape[1])
    scale = np.multiply.outer(rows, columns).reshape(*shape[:2], *[1] * (len(shape) - 2))
    codes = np.abs(random().normal(0, 1, shape) * scale).clip(0, 120).astype(dtype)
    codes[3 % shape[0]] = 0
    assert same(unpack(pack({"a": codes}).data, layout_of({"a": codes}))["a"], codes)


def test_special_floats_keep_every_bit() -> None:
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-40, 1.0, 3.4e38] * 3)
    special = special.astype(np.float32)
    special.view(np.uint32)[4] |= 77  # a NaN with a payload
    assert same(unpack(pack({"a": special}).data, layout_of({"a": special}))["a"], special)


@pytest.mark.parametrize(
    ("bits", "spread"), [(2, 0.4), (3, 0.1), (4, 1.0), (4, 3.0), (6, 4.0), (8, 6.0), (8, 25.0)]
)
def test_independent_codes_take_one_percent_more_than_shannons_bound_at_most(
    bits: int, spread: float
) -> None:
    codes = laplace(250, 400, spread=spread, bits=bits)
    # Where the bound is a few hundred bytes, learning the distribution shows.
    assert len(pack({"a": codes}).data) <= 1.01 * entropy_bytes(codes) + 10


def test_sixteen_bits_take_no_table() -> None:
    # 20,000 codes of 16 bits are nearly all different; what counts is the source's entropy.
    codes = laplace(100, 200, spread=3000, bits=16)
    source = np.log2(2 * math.e * 3000) / 8 * codes.size
    assert len(pack({"a": codes}).data) <= 1.01 * source


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("count", [60, 500, 7400])
@pytest.mark.parametrize("kept", [0.05, 0.3, 1.0])
def test_small_networks_are_smaller_than_with_zstd(bits: int, count: int, kept: float) -> None:
    codes = laplace(20, count // 20, spread=2 ** (bits - 3), bits=bits)
    codes[random(7).random(codes.shape) > kept] = 0
    assert len(pack({"a": codes}).data) <= zstd_19(codes)


def test_rows_and_columns_that_are_alike_take_less_than_independent_codes() -> None:
    rows, columns = random().lognormal(0, 1, (300, 1)), random(4).lognormal(0, 1, 200)
    codes = np.rint(random(5).laplace(0, 3, (300, 200)) * rows * columns).clip(-127, 127)
    codes = codes.astype(np.int8)
    assert len(pack({"a": codes}).data) < 0.92 * entropy_bytes(codes)


def test_a_part_of_the_rows_tells_the_layout_of_a_large_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, columns = random().lognormal(0, 1, (1000, 1)), random(4).lognormal(0, 1, 400)
    codes = np.rint(random(5).laplace(0, 3, (1000, 400)) * rows * columns).clip(-127, 127)
    codes = codes.astype(np.int8)
    by_a_part = pack({"a": codes})
    assert np.array_equal(unpack(by_a_part.data, layout_of({"a": codes}))["a"], codes)
    monkeypatch.setattr(plans, "ENOUGH", codes.size)
    assert len(by_a_part.data) <= 1.001 * len(pack({"a": codes}).data)
    assert len(by_a_part.data) < 0.92 * entropy_bytes(codes)


def test_kernels_that_are_zero_cost_little() -> None:
    codes = laplace(64, 32, 3, 3, spread=8, bits=8)
    codes[random(7).random((64, 32)) < 0.6] = 0
    assert len(pack({"a": codes}).data) < 0.9 * entropy_bytes(codes)


@pytest.mark.parametrize(("n", "m"), PATTERNS[1:])
def test_n_of_m_costs_only_the_choice_among_its_patterns(n: int, m: int) -> None:
    codes = np.abs(laplace(120, 400, spread=9, bits=8)) + np.int8(1)
    order = random(9).random((120, 400 // m, m)).argsort(2)
    codes.reshape(order.shape)[order >= n] = 0
    kept = codes[codes != 0]
    choices = np.log2(np.prod([(m - i) / (i + 1) for i in range(n)])) / 8 * 120 * 400 / m
    assert len(pack({"a": codes}).data) <= 1.01 * (choices + entropy_bytes(kept))


def test_pruned_floats_pay_for_what_is_kept() -> None:
    weights = random().normal(0, 0.05, (200, 300)).astype(np.float32)
    weights[random(7).random(weights.shape) < 0.9] = 0
    # 23 bits of fraction and the sign are noise; exponents take two to three bits more.
    kept = np.count_nonzero(weights)
    mask = entropy_bytes((weights != 0).astype(np.int8))
    assert len(pack({"a": weights}).data) <= mask + kept * (24 + 2.7) / 8
    assert len(pack({"a": weights}).data) < zstd_19(weights)


def test_what_is_constant_costs_next_to_nothing() -> None:
    constant: dict[str, Array] = {
        "zeros": np.zeros((500, 500), np.float32),
        "sevens": np.full((9, 9), 7, np.int64),
    }
    assert len(pack(constant).data) < 20


def test_bits_tell_what_each_array_takes() -> None:
    stored: dict[str, Array] = {
        "large": laplace(100, 100, spread=5, bits=8),
        "none": np.zeros(0, np.int8),
        "scale": random().random(10, np.float32),
    }
    packed = pack(stored)
    assert 0 <= 8 * len(packed.data) - sum(packed.bits.values()) < 8
    assert packed.bits["none"] == 0
    alone = 8 * len(pack({"large": stored["large"]}).data)
    assert packed.bits["large"] == pytest.approx(alone, abs=64)


def test_other_types_are_refused_with_a_remedy() -> None:
    with pytest.raises(ValueError, match=r"float64 cannot be packed; make them float32\."):
        pack({"a": np.zeros(3)})
    with pytest.raises(ValueError, match="too far apart"):
        pack({"a": np.array([0, 1 << 50])})


@given(st.binary(max_size=200), st.sampled_from(TYPES), SHAPES)
def test_bytes_that_are_something_else_are_refused_or_give_some_array(
    data: bytes, dtype: np.dtype, shape: tuple[int, ...]
) -> None:
    try:
        found = unpack(data, {"a": (dtype.name, shape)})
    except ValueError:
        return
    assert found["a"].shape == shape and found["a"].dtype == dtype


def test_reading_with_another_layout_is_noticed() -> None:
    codes = laplace(30, 30, spread=5, bits=8)
    with pytest.raises(ValueError, match=r"not what was written|number"):
        unpack(pack({"a": codes}).data, {"a": ("int8", (30, 29))})


def test_blocks_cover_everything_once_and_grow() -> None:
    ends = list(blocks(1000))
    assert ends[0][0] == 0 and ends[-1][1] == 1000
    assert all(stop == start for (_, stop), (start, _) in pairwise(ends))
    assert len(ends) < 40


def test_estimated_bits_are_those_of_learning_symbol_by_symbol() -> None:
    symbols = random().integers(0, 5, 400)
    weights, bits = np.full(5, 0.5), 0.0
    for symbol in symbols:
        bits -= np.log2(weights[symbol] / weights.sum())
        weights[symbol] += 1
    assert learning_bits(np.bincount(symbols, minlength=5)) == pytest.approx(bits)


def test_the_two_ends_speak_one_language() -> None:
    writer = Writer()
    sent = [(random(i).integers(0, 3 + i, 50), np.arange(1.0, 4 + i)) for i in range(5)]
    for symbols, weights in sent:
        writer.code(symbols, 50, weights)
    data, _ = join([writer])
    reader = Reader(data)
    for symbols, weights in sent:
        assert reader.code(None, 50, weights).tolist() == symbols.tolist()
    reader.close()


def test_arrays_are_taken_in_in_any_order() -> None:
    arrays: dict[str, Array] = {
        "first": np.arange(-4, 4, dtype=np.int8),
        "second": np.linspace(0, 1, 9, dtype=np.float32),
        "third": np.array([True, False]),
    }
    packer = Packer()
    packer.add("second", arrays["third"])
    for name in ("third", "second", "first"):
        packer.add(name, arrays[name])
    assert packer.finish(arrays) == pack(arrays)
    assert packer.finish(["third"]) == pack({"third": arrays["third"]})
