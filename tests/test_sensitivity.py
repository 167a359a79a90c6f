from dataclasses import replace

import pytest
import torch

from compress_core.compress import compress
from compress_core.events import Progress
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import list_seeds, list_trained, load_scenario
from compress_core.sensitivity import (
    WHOLE,
    Judge,
    cell_keys,
    load_map,
    measure_sensitivity,
    recipe_for,
)
from compress_core.sensitivity_map import ALL, SETTINGS, SensitivityMap
from tests.nets import noise_data, thin_resnet, untrained

SHIPPED = [(name, seed) for name in list_trained() for seed in list_seeds(name)]
NETWORK = untrained("simple-nn")
DATA = noise_data(NETWORK)
NAMES = ["fc1", "fc2"]
FEW = replace(WHOLE, samples=16, combinations=3, most=3)


@pytest.fixture(scope="module")
def events() -> list[Progress[SensitivityMap]]:
    return list(measure_sensitivity(NETWORK, DATA, FEW))


@pytest.fixture
def known(events: list[Progress[SensitivityMap]]) -> SensitivityMap:
    return events[-1].result


def test_every_layer_is_tried_alone_and_all_together(known: SensitivityMap) -> None:
    assert known.n == 16 and len(known.combinations) == 3
    tried = {(cell.layer, cell.setting) for cell in known.cells}
    assert tried == {(name, kind) for name in ("fc1", "fc2", ALL) for kind in SETTINGS} | {
        (None, "activation_bits")
    }
    assert len(known.cells) == len(tried) * 7 == len(cell_keys(NETWORK))


def test_progress_is_told_and_any_state_can_be_gone_on_with(
    events: list[Progress[SensitivityMap]],
) -> None:
    assert [event.step for event in events] == list(range(len(events)))
    assert {event.steps for event in events} == {len(events) - 1}

    for place in (60, len(events) - 2):
        rest = list(measure_sensitivity(NETWORK, DATA, FEW, events[place].result))
        assert rest[0].step == place and len(rest) == len(events) - place
        assert rest[-1].result == events[-1].result


def test_only_training_and_validation_samples_are_looked_at(known: SensitivityMap) -> None:
    spoilt = replace(DATA, test=replace(DATA.test, x=torch.full_like(DATA.test.x, torch.nan)))
    begun = replace(known, cells=known.cells[:-5], combinations=())
    (*_, last) = measure_sensitivity(NETWORK, spoilt, FEW, begun)
    assert last.result == known


def test_a_cell_is_what_its_recipe_does(known: SensitivityMap) -> None:
    cell = known.by_key["fc2", "weight_bits", 3]
    recipe = Recipe(steps=(Quantize(weight_bits=3, layers="fc2"),))
    part = DATA.validation.head(16)
    with torch.inference_mode():
        answers = compress(NETWORK, recipe).module(part.inputs())
        original = NETWORK.module(part.inputs())
    assert recipe_for(("fc2", "weight_bits", 3), NAMES) == recipe
    assert cell.harm.accuracy == float((answers.argmax(1) == part.y).float().mean())
    p, q = original.double().softmax(1), answers.double().softmax(1)
    assert cell.harm.divergence == pytest.approx(float((p * (p / q).log()).sum(1).mean()))


def test_nothing_done_does_no_harm() -> None:
    judge = Judge(NETWORK, DATA, DATA.validation)
    assert judge.harm(compress(NETWORK, Recipe())).divergence == 0
    assert judge.harm(NETWORK) == judge.harm(compress(NETWORK, Recipe()))


def test_what_belongs_to_no_layer_is_rounded_while_layers_stay_exact() -> None:
    network = thin_resnet()
    names = [layer.name for layer in network.layers]
    recipe = recipe_for((None, "activation_bits", 2), names)
    grids = compress(network, recipe, noise_data(network)).activation_grids
    assert {grid.bits for grid in grids.values()} == {2, 16}
    assert grids["x" if "x" in grids else next(iter(grids))].bits == 2


def test_all_layers_are_treated_alike() -> None:
    expected = Recipe(steps=(Prune(sparsity=0.9),))
    assert recipe_for((ALL, "sparsity", 0.9), NAMES) == expected


@pytest.mark.parametrize(("name", "seed"), SHIPPED)
def test_every_built_in_network_comes_with_its_whole_map(name: str, seed: int) -> None:
    scenario, known = load_scenario(name, seed), load_map(name, seed)
    assert known is not None
    assert list(known.by_key) == cell_keys(scenario.network)
    assert len(known.combinations) >= 100
    assert known.n >= min(360, len(scenario.data.validation))
    record = scenario.record["curve"]
    best = [epoch for epoch in record if epoch["best"]][-1]["validation_accuracy"]
    assert known.original.accuracy == pytest.approx(best, abs=0.03)


def test_a_shipped_map_is_measured_again() -> None:
    scenario, known = load_scenario("digits/simple-nn"), load_map("digits/simple-nn", 0)
    assert known is not None
    some = replace(known, cells=known.cells[:-7], combinations=known.combinations[:2])
    much = replace(WHOLE, samples=known.n, combinations=4, most=4)
    again = measure_sensitivity(scenario.network, scenario.data, much, some)
    (*_, last) = again
    wanted = replace(known, combinations=known.combinations[:4])
    for cell, same in zip(last.result.cells, wanted.cells, strict=True):
        assert cell.key == same.key
        assert cell.harm.divergence == pytest.approx(same.harm.divergence, rel=1e-3, abs=1e-6)
    for combination, same_ in zip(last.result.combinations, wanted.combinations, strict=True):
        assert combination.recipe == same_.recipe
        assert combination.harm.accuracy == pytest.approx(same_.harm.accuracy, abs=0.006)
