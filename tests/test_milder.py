from itertools import pairwise

import numpy as np
import pytest

from compress_core.estimate import estimator
from compress_core.milder import milder
from compress_core.sensitivity import load_map
from compress_core.treatment import Treatment
from tests.test_estimate import made_up

SLIDERS = ["watch/gru", "watch/conv", "fashion-mnist/lenet-5", "driving/cnn", "reviews/conv"]
"""Networks whose estimates rose by up to 1.6 points where nothing held them back."""


@pytest.mark.parametrize("name", SLIDERS)
@pytest.mark.parametrize("bits", [None, 6])
def test_pruning_more_everywhere_never_promises_noticeably_more(
    name: str, bits: int | None
) -> None:
    known = load_map(name, 0)
    assert known is not None
    expert = estimator(known)
    layers = {cell.layer for cell in known.cells if cell.setting == "sparsity"} - {"*"}
    original = known.original.accuracy
    promised = [
        expert.estimate(
            [
                Treatment(layer, sparsity=s, activation_bits=bits)
                for layer in sorted(layers, key=str)
            ]
        ).value
        for s in np.linspace(0, 0.95, 20)
    ]
    rises = [after - before for before, after in pairwise(promised) if before >= original - 0.1]
    assert max(rises) <= 0.002


def test_milder_versions_do_less_of_one_kind_or_nothing_of_it() -> None:
    harms = estimator(made_up()).harms
    strong = harms.strong([Treatment("fc1", 0.9, 0.01, 4), Treatment("fc2", 0.5, 0.002, 4)])
    first, *others = milder(harms, strong)
    kinds = np.array([kind for _, kind in harms.curves])
    assert (first == strong).all()
    for version in others:
        weaker = {str(kind) for kind in kinds[version < strong]}
        assert len(weaker) == 1
        assert weaker == {"sparsity"} or (version <= strong).all()
    assert any((version[kinds == "sparsity"] == 0).all() for version in others)


def test_where_fewer_weights_are_pruned_more_of_them_are_rounded() -> None:
    harms = estimator(made_up()).harms
    keys = list(harms.curves)
    strong = harms.strong([Treatment("fc1", sparsity=0.75, rounding=0.001)])
    unpruned = next(v for v in milder(harms, strong) if v[keys.index(("fc1", "sparsity"))] == 0)
    assert unpruned[keys.index(("fc1", "weight_bits"))] == pytest.approx(0.004)
