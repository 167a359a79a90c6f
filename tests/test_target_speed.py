import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.exports import RECIPES as MEASURED
from benchmarks.exports import speed_facts
from compress_core.compress import compress
from compress_core.exporters.targets import targets
from compress_core.scenarios import load_scenario
from compress_core.target_speed import RECIPES, Fact, facts, like, treatment_of
from pages.shared.target_speed import remark, sentence


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_treatment_is_told_by_what_was_done(recipe: str) -> None:
    base = load_scenario("digits/simple-nn", 0)
    compressed = compress(base.network, MEASURED[recipe], base.data)
    assert treatment_of(compressed) == RECIPES[recipe]


def test_every_target_that_runs_here_was_measured_with_every_treatment() -> None:
    runs = {target.name for target in targets() if target.open is not None and target.available}
    for treatment in RECIPES.values():
        assert runs <= set(like(treatment, "fashion-mnist/lenet-5", facts()))


def fact(network: str, speedup: float, arithmetic: str = "32 bit floats") -> Fact:
    return Fact(
        network=network, target="onnx", recipe="int8", arithmetic=arithmetic, speedup=speedup
    )


def test_the_same_network_is_preferred_and_others_stand_in() -> None:
    known = [fact("a", 1.5), fact("b", 0.5)]
    assert like("integers", "a", known) == {"onnx": [known[0]]}
    assert like("integers", "c", known) == {"onnx": known}
    assert like("zeros", "a", known) == {}


def test_sentences_name_ratio_and_reason() -> None:
    assert sentence("zeros", [fact("a", 1.002)]) == "1.00×: zeros are still multiplied here"
    whole = [fact("a", 0.5, "8 bit integers"), fact("b", 2.57, "8 bit integers")]
    assert sentence("integers", whole) == "0.500× – 2.60×: computed in integers"
    assert "in float" in sentence("integers", [fact("a", 0.97)])
    assert "on this network" in remark("a", {"onnx": [fact("a", 1.0)]})
    assert "on other networks" in remark("c", {"onnx": [fact("a", 1.0)]})


def test_the_benchmark_writes_what_is_read(tmp_path: Path) -> None:
    name, kept = "digits/simple-nn", fact("lander/mlp", 2.0)
    (tmp_path / "speed.json").write_text(json.dumps({"facts": [asdict(kept)]}))
    row = {"network": name, "target": "onnx", "recipe": "int8", "speedup": 1.23456}
    rows = [row | {"arithmetic": "floats", "bytes": 1}, row | {"recipe": "4 bit, int8 activations"}]
    written = json.loads(speed_facts(rows, tmp_path / "speed.json"))["facts"]
    assert [Fact(**each) for each in written] == [fact(name, 1.235, "floats"), kept]
