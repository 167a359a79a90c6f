import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.sensitivity_map import SETTINGS, Cell, Combination, Harm, SensitivityMap
from compress_core.treatment import Treatment

fractions = st.floats(0, 1)
harms = st.builds(Harm, fractions, st.floats(0, 20), st.floats(0, 20))
layers = st.sampled_from([None, "*", "fc1", "stage1.0.conv1"])
cells = st.builds(
    Cell,
    layer=layers,
    setting=st.sampled_from(sorted(SETTINGS)),
    amount=st.sampled_from([0.3, 0.98, 2.0, 8.0]),
    rounding=fractions,
    harm=harms,
)
treated = st.builds(Treatment, layers, fractions, fractions, st.none() | st.integers(2, 16))
recipes = st.builds(
    lambda share, bits: Recipe(
        steps=(Prune(sparsity=share, allocation="lamp"), Quantize(weight_bits=bits, layers="fc*"))
    ),
    st.floats(0, 0.99),
    st.integers(2, 8),
)
combinations = st.builds(
    Combination, recipe=recipes, treatments=st.lists(treated).map(tuple), harm=harms
)
maps = st.builds(
    SensitivityMap,
    original=harms,
    n=st.integers(1, 9999),
    cells=st.lists(cells, max_size=4).map(tuple),
    combinations=st.lists(combinations, max_size=3).map(tuple),
)


@given(maps)
def test_a_map_survives_its_json(value: SensitivityMap) -> None:
    assert SensitivityMap.from_json(value.to_json()) == value


def test_another_version_is_refused() -> None:
    text = SensitivityMap(original=Harm(0.9, 0.1, 0.0), n=10).to_json()
    with pytest.raises(ValueError, match="version 99, not 1"):
        SensitivityMap.from_json(json.dumps({**json.loads(text), "version": 99}))
