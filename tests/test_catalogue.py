import subprocess
import sys

import numpy as np
import pytest

from compress_core import catalogue
from compress_core.compress import compress
from compress_core.recipe import Recipe
from compress_core.scenarios import list_scenarios, list_seeds, load_record, load_scenario
from compress_core.sizes import sizes
from tests.browser import ROOT

NAMES = catalogue.names()
each = pytest.mark.parametrize("name", NAMES)


def test_lists_what_has_weights_in_the_order_of_the_scenarios() -> None:
    assert tuple(name for name in list_scenarios() if list_seeds(name)) == NAMES
    assert all(catalogue.seeds(name) == list_seeds(name) for name in NAMES)


@each
def test_says_of_a_network_what_loading_it_says(name: str) -> None:
    seed = catalogue.seeds(name)[0]
    entry, scenario = catalogue.entry(name, seed), load_scenario(name, seed)
    assert entry.parameters == scenario.network.parameters
    assert entry.fp32_bytes == sizes(compress(scenario.network, Recipe())).fp32_bytes
    assert entry.test.value == load_record(name, seed)["test"]["value"]
    assert set(catalogue.layers(name, seed)) == {layer.name for layer in scenario.network.layers}


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="no weights for seed 99"):
        catalogue.entry(NAMES[0], 99)


@pytest.mark.parametrize(("name", "width"), [("digits", 8), ("fashion-mnist", 28)])
def test_pictures_are_the_data_sets_own(name: str, width: int) -> None:
    pictures = catalogue.pictures(name, start=1, count=2)
    assert [p.shape for p in pictures] == [(width, width)] * 2
    assert np.array_equal(pictures[0], catalogue.pictures(name, start=0, count=2)[1])
    assert all(p.dtype == np.uint8 and p.max() > 128 and p.min() == 0 for p in pictures)


def test_a_strip_enlarges_without_smoothing() -> None:
    picture = np.array([[0, 255], [128, 0]], np.uint8)
    strip = catalogue.strip([picture, picture], pixels=5)
    assert strip.shape == (6, 6 + catalogue.GAP + 6, 4)
    assert np.array_equal(strip[::3, :6:3, 0], 255 - picture)
    assert set(np.unique(strip[..., 3])) == {0, 255}


def test_needs_no_torch() -> None:
    code = (
        "import sys; from compress_core import catalogue as c; n = c.names()[0]; "
        "c.entry(n, c.seeds(n)[0]); c.pictures('digits'); "
        "assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
