import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from compress_core.compress import compress
from compress_core.drag import DragTable, drag_table, through
from compress_core.network import layer_weight
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.sizes import sizes
from compress_core.sketch import Sketch
from compress_core.sketch_network import sketch_network
from tests.nets import untrained

NETWORK = untrained("lenet-5")
BITS = (2, 4, 8, 16, 32)


@pytest.fixture(scope="module")
def sketch() -> Sketch:
    return sketch_network(NETWORK)


def masked(step: Prune) -> dict[str, float]:
    """Return the share of each layer that a step removes, and of all under '*'."""
    masks = compress(NETWORK, Recipe(steps=(step,))).masks
    shares = {name: 1 - float(mask.double().mean()) for name, mask in masks.items()}
    gone = sum(float((~mask).sum()) for mask in masks.values())
    return shares | {"*": gone / sum(mask.numel() for mask in masks.values())}


def test_the_histogram_is_that_of_the_weights(sketch: Sketch) -> None:
    table = drag_table(sketch, "fc2", "threshold", BITS, Quantize())
    weights = layer_weight(NETWORK.module, "fc2").numpy().ravel()
    inside = np.clip(weights.astype(np.float64), table.edges[0], table.edges[-1])
    expected, _ = np.histogram(inside, np.array(table.edges))
    assert sum(table.counts) == weights.size
    # Edges are compared in float32 as pruning does; a weight on one may lie on its other side.
    assert np.abs(expected - np.array(table.counts)).sum() <= 2


@pytest.mark.parametrize("layer", ["conv2", "fc1", None])
def test_each_position_is_what_the_control_does(sketch: Sketch, layer: str | None) -> None:
    what = layer or "*"
    for at in (0, 37, 120, 180):
        table = drag_table(sketch, layer, "threshold", BITS, Quantize())
        found = masked(Prune(threshold=table.thresholds[at]))
        assert table.gone[at] == pytest.approx(found[what], abs=1e-6)
        assert table.gone_everywhere[at] == pytest.approx(found["*"], abs=1e-6)
        for allocation in ("uniform", "global"):
            shared = drag_table(sketch, layer, "share", BITS, Quantize(), allocation)
            share = (shared.gone if allocation == "uniform" else shared.gone_everywhere)[at]
            found = masked(Prune(sparsity=min(share, 0.999), allocation=allocation))
            assert shared.gone[at] == pytest.approx(found[what], abs=1e-3)
            assert shared.gone_everywhere[at] == pytest.approx(found["*"], abs=1e-3)


def test_moving_on_takes_more_away(sketch: Sketch) -> None:
    table = drag_table(sketch, None, "share", BITS, Quantize())
    assert table.thresholds[0] == 0 and table.gone[0] == 0 and table.energy[0] == 0
    for values in (table.thresholds, table.gone, table.energy, table.gone_everywhere):
        assert all(a <= b for a, b in pairwise(values))
    for few, more in pairwise(table.packed):
        assert few is not None and more is not None
        assert few[0] < more[0]
        assert few[0] > few[-1]


def test_lines_are_the_values_of_the_widest_row(sketch: Sketch) -> None:
    table = drag_table(sketch, "fc1", "threshold", (2, 4, 5, 6, 32), Quantize())
    largest = float(layer_weight(NETWORK.module, "fc1").abs().max())
    assert table.lines[0] == pytest.approx((-largest, 0, largest), rel=1e-6)
    assert table.lines[1] == pytest.approx(np.linspace(-largest, largest, 15), rel=1e-6, abs=1e-9)
    assert [len(lines) for lines in table.lines] == [3, 15, 31, 0, 0]
    nowhere = drag_table(sketch, None, "threshold", (2, 4), Quantize())
    assert nowhere.lines == ((), ())


def test_packed_bytes_are_near_those_of_the_file(sketch: Sketch) -> None:
    how = Quantize()
    table = drag_table(sketch, None, "share", BITS, how)
    at = 60
    share = table.gone[at]
    for bits, row in zip(BITS, table.packed, strict=True):
        prune = Prune(sparsity=share)
        steps = (prune,) if bits == 32 else (prune, replace(how, weight_bits=bits))
        real = sizes(compress(NETWORK, Recipe(steps=steps)))
        assert row is not None
        assert row[at] == pytest.approx(real.packed_bytes, rel=0.06), bits
        if bits == 4:
            anchored = through(table, 4, share, real.packed_bytes)
            exact = anchored.packed[BITS.index(4)]
            assert exact is not None
            assert exact[at] == pytest.approx(real.packed_bytes, abs=1)


OTHERS = (
    *(Quantize(grid="codebook"), Quantize(grid="power_of_two"), Quantize(scheme="affine")),
    *(Quantize(calibration="mse"), Quantize(calibration="percentile")),
)


@pytest.mark.parametrize(
    "how", OTHERS, ids=lambda how: f"{how.grid}-{how.scheme}-{how.calibration}"
)
def test_bytes_of_every_grid_move_with_the_handle(sketch: Sketch, how: Quantize) -> None:
    table = drag_table(sketch, None, "share", (4, 10, 32), how)
    at = 60
    assert table.packed[0] is not None and table.packed[1] is not None
    steps = (Prune(sparsity=table.gone[at]), replace(how, weight_bits=4))
    real = sizes(compress(NETWORK, Recipe(steps=steps)))
    assert table.packed[0][at] == pytest.approx(real.packed_bytes, rel=0.12)
    assert table.packed[0][at] < table.packed[1][at]


def test_what_is_not_known_is_left_open(sketch: Sketch) -> None:
    table = drag_table(sketch, None, "share", (4, 32), Quantize(equalize=True))
    assert table.packed[0] is None and table.packed[1] is not None
    assert through(table, 4, 0.5, 1000) == table


def test_a_table_is_plain_and_small(sketch: Sketch) -> None:
    table = drag_table(sketch, "conv1", "share", BITS, Quantize())
    text = json.dumps(table.to_json())
    assert DragTable(**_tuples(json.loads(text))) == table
    assert len(text) < 40_000


def _tuples(value: object) -> dict[str, object]:
    def frozen(each: object) -> object:
        return tuple(map(frozen, each)) if isinstance(each, list) else each

    assert isinstance(value, dict)
    return {name: frozen(each) for name, each in value.items()}
