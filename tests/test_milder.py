from itertools import pairwise

import numpy as np
import pytest

from compress_core.estimate import estimator
from compress_core.milder import harsher, milder
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
    # Half a point, less than estimates are off by.
    assert max(rises) <= 0.005


@pytest.mark.parametrize("name", ["lander/mlp", "watch/gru", "breast-cancer/mlp"])
def test_estimates_waver_less_than_what_they_are_steadied_from(name: str) -> None:
    known = load_map(name, 0)
    assert known is not None
    expert = estimator(known)
    kinds = np.array([kind for _, kind in expert.harms.curves])
    # The strength of pruning is a logarithm: all layers alike, a share of 0 to 95 %.
    shares = -np.log(1 - np.linspace(0, 0.95, 39))
    path = np.where(kinds == "sparsity", shares[:, None], 0.0)
    steadied, bare = expert._expected(expert._rule, path), expert._odds(expert._rule, path[None])[0]
    rises = [np.maximum(np.diff(found), 0).sum() for found in (steadied, bare)]
    assert rises[0] < rises[1]


def test_estimates_lie_between_the_least_of_milder_and_the_most_of_harsher_versions() -> None:
    expert = estimator(made_up())
    strong = expert.harms.strong([Treatment("fc1", 0.8, 0.01), Treatment("fc2", 0.4, 0.01)])[None]
    found = expert._expected(expert._rule, strong)
    least = expert._odds(expert._rule, milder(expert.harms, strong)).min()
    most = expert._odds(expert._rule, harsher(expert.harms, strong)).max()
    assert found == pytest.approx((least + most) / 2)


@pytest.mark.parametrize("name", ["reviews/conv", "watch/gru"])
def test_nothing_is_promised_more_than_doing_nothing(name: str) -> None:
    known = load_map(name, 1)
    assert known is not None
    expert = estimator(known)
    promised = [expert.estimate(c.treatments).value for c in known.combinations[::5]]
    assert max(promised) <= expert.estimate([]).value


def test_versions_do_less_or_more_of_one_kind() -> None:
    harms = estimator(made_up()).harms
    strong = harms.strong([Treatment("fc1", 0.9, 0.01, 4), Treatment("fc2", 0.5, 0.002, 4)])[None]
    kinds = np.array([kind for _, kind in harms.curves])
    for versions, sign in ((milder(harms, strong), -1), (harsher(harms, strong), 1)):
        first, *others = versions[:, 0]
        assert (first == strong).all()
        for version in others:
            changed = {str(kind) for kind in kinds[sign * (version - first) > 0]}
            assert len(changed) == 1
            assert changed == {"sparsity"} or (sign * (version - first) >= 0).all()
    assert any((version[kinds == "sparsity"] == 0).all() for version in milder(harms, strong)[:, 0])


def test_nothing_has_no_versions_and_none_is_harsher_than_what_was_measured() -> None:
    harms = estimator(made_up()).harms
    assert not milder(harms, harms.strong([])[None]).any()
    assert not harsher(harms, harms.strong([])[None]).any()
    most = np.array([curve.strongest for curve in harms.curves.values()])
    assert (harsher(harms, 0.9 * most[None]) <= most).all()


def test_where_fewer_weights_are_pruned_more_of_them_are_rounded() -> None:
    harms = estimator(made_up()).harms
    pruned, rounded = (list(harms.curves).index(("fc1", k)) for k in ("sparsity", "weight_bits"))
    strong = harms.strong([Treatment("fc1", sparsity=0.75, rounding=0.001)])[None]
    unpruned = next(v for v in milder(harms, strong)[:, 0] if v[pruned] == 0)
    assert unpruned[rounded] == pytest.approx(0.004)
    more = harsher(harms, strong)[1, 0]
    kept = np.exp(strong[0, pruned] - more[pruned])
    assert kept < 1 and more[rounded] == pytest.approx(0.001 * kept)
