import subprocess
import sys

import pytest

from compress_core import catalogue
from compress_core.compress import compress
from compress_core.recipe import Recipe
from compress_core.scenarios import (
    list_scenarios,
    list_seeds,
    list_trained,
    load_record,
    load_scenario,
)
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
    if name in list_trained():
        assert entry.test.value == load_record(name, seed)["test"]["value"]
    assert entry.against == scenario.data.against
    assert set(catalogue.layers(name, seed)) == {layer.name for layer in scenario.network.layers}


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="no weights for seed 99"):
        catalogue.entry(NAMES[0], 99)


def test_needs_no_torch() -> None:
    code = (
        "import sys; from compress_core import catalogue as c, samples as s; n = c.names()[0]; "
        "c.entry(n, c.seeds(n)[0]); [s.samples(name.split('/')[0]) for name in c.names()]; "
        "assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
