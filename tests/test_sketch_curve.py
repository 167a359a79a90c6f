"""Curves: what the bytes of a layer do at every sparsity, for any grid."""

import numpy as np
import pytest

from compress_core.recipe import Quantize
from compress_core.sketch_answer import answer
from compress_core.sketch_curve import curve
from compress_core.sketch_layer import sketch_layer
from tests.test_sketch import ANEW, weights


@pytest.mark.parametrize("how", ANEW)
def test_a_curve_of_fitted_grids_is_near_their_answers(how: Quantize) -> None:
    layer = sketch_layer("fc", weights(12, 60, 160))
    for bits in (4, 5):
        whole = curve(layer, how, bits)
        assert whole is not None
        for share in (0.0, 0.4, 0.8, 0.9):
            found = answer(layer, how, bits, round(share * layer.count))
            assert found is not None
            bits_each = float(whole.bits_at(share * layer.count)) / layer.count
            assert bits_each == pytest.approx(found.entropy, abs=0.25), (bits, share)


def test_an_affine_grid_has_a_zero_of_its_own_in_each_row() -> None:
    # Rows from 0 to 3 and from -3 to 0: with 2 bits zero is the lowest code, or the highest.
    rows = np.array([[0, 1, 2, 3], [0, -1, -2, -3]], np.float32)
    found = answer(sketch_layer("fc", rows), Quantize(scheme="affine"), 2, 0)
    assert found is not None
    whole = curve(sketch_layer("fc", rows), Quantize(scheme="affine"), 2)
    # Counted from zero, they are 0, 1, 2, 3 and 0, -1, -2, -3.
    expected = -(2 / 8 * np.log2(2 / 8) + 6 / 8 * np.log2(1 / 8))
    assert found.entropy == pytest.approx(expected) and found.mse == 0
    assert whole is not None and float(whole.bits_at(0)) / 8 == pytest.approx(expected)


def test_a_curve_goes_through_its_answers() -> None:
    for exact in (0, 1 << 18):
        layer = sketch_layer("fc", weights(5, 100, 320), exact=exact)
        for bits in (2, 8, 16, 32):
            whole = curve(layer, Quantize(), bits)
            assert whole is not None
            for share in (0.0, 0.33, 0.8, 0.99):
                found = answer(layer, Quantize(), bits, round(share * layer.count))
                assert found is not None
                bits_each = float(whole.bits_at(share * layer.count)) / layer.count
                assert bits_each == pytest.approx(found.entropy, abs=0.02)


def test_what_is_not_rounded_costs_what_floats_do() -> None:
    values = weights(9, 100, 640)
    few, many = (sketch_layer("fc", values, exact=n) for n in (1 << 18, 0))
    for gone in (0, 30_000, 60_000):
        exact, estimated = (answer(layer, Quantize(), 32, gone) for layer in (few, many))
        assert exact is not None and estimated is not None
        assert estimated.entropy == pytest.approx(exact.entropy, abs=0.02)
