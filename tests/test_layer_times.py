from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from compress_core import layer_times, timing
from compress_core.exporters.onnx import _floats
from compress_core.layer_times import (
    LayerTimes,
    Timing,
    call_of,
    load_times,
    lower_quartile,
    measure_layers,
    place,
    save_times,
    time_calls,
)
from compress_core.operators import Operator
from compress_core.recipe import Recipe
from compress_core.runs import open_store
from compress_core.specimen_files import model_of
from compress_core.specimens import PRECISIONS, Specimen, specimens
from compress_core.work import work

TIMES = LayerTimes(
    machine="here",
    lanes=8,
    rounds=5,
    timings=(
        Timing(
            operators=(Operator(kind="linear", inputs=64, outputs=10),),
            precision="int8",
            seconds=6.5e-6,
        ),
    ),
)


def one_of_each() -> Sequence[Specimen]:
    """The smallest specimen of each kind in both precisions."""
    found: dict[tuple[object, ...], Specimen] = {}
    for specimen in sorted(specimens(), key=lambda s: s.operators[0].read * s.operators[0].inputs):
        kinds = [operator.kind for operator in specimen.operators]
        grouped = specimen.operators[0].groups > 1
        found.setdefault((*dict.fromkeys(kinds), grouped, specimen.precision), specimen)
    return list(found.values())


def test_layers_are_drawn_once_of_every_kind_at_many_widths() -> None:
    drawn = specimens()
    assert drawn == specimens()
    for precision in PRECISIONS:
        some = [o for s in drawn if s.precision == precision for o in s.operators]
        assert {operator.kind for operator in some} == {
            "conv", "linear", "maximum", "average", "mean", "add", "relu", "reshape",
            "embedding", "transpose", "product", "softmax", "norm", "mean-time", "pick",
            "gru", "lstm",
        }  # fmt: skip
        assert len({operator.inputs for operator in some if operator.kind == "conv"}) >= 20


@pytest.mark.parametrize(
    "specimen", one_of_each(), ids=lambda s: f"{s.operators[-1].kind}-{s.precision}"
)
def test_files_are_whole_and_answer_in_the_shape_that_is_counted(specimen: Specimen) -> None:
    model = model_of(specimen)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    answers: Any = call_of(model, specimen.input_shape)()
    (answer,) = answers
    last = specimen.operators[-1]
    assert answer.size == last.outputs * last.positions
    assert np.isfinite(answer).all()


def test_integers_are_computed_in_integers(tmp_path: Path) -> None:
    layer = next(s for s in specimens() if s.precision == "int8" and len(s.operators) == 1)
    path = tmp_path / "layer.onnx"
    path.write_bytes(model_of(layer))
    assert _floats(path) == ()
    path.write_bytes(model_of(replace(layer, precision="float32")))
    assert _floats(path) != ()


def test_a_measurement_tells_how_far_it_is_and_ends_with_all_times() -> None:
    asked = one_of_each()[:3]
    happened = list(measure_layers(0.0, asked))
    *before, last = happened
    assert [event.result for event in before] == [None] * len(before)
    assert [event.step for event in happened] == sorted(event.step for event in happened)
    assert last.step == last.steps == 6
    assert last.result is not None
    assert [t.operators for t in last.result.timings] == [s.operators for s in asked]
    assert all(0 < t.seconds < 1 for t in last.result.timings)
    assert last.result.rounds == layer_times.FEWEST


def test_all_are_called_in_turns() -> None:
    called: list[str] = []
    time_calls([lambda: called.append("a"), lambda: called.append("b")], 0.0)
    turns = [name for name, before in zip(called, ["", *called], strict=False) if name != before]
    assert turns == ["a", "b"] * (1 + layer_times.FEWEST)  # once to see how long a call takes


def test_rounds_that_others_slowed_down_do_not_count() -> None:
    assert lower_quartile([10.0, 10.0, 10.0, 90.0, 500.0]) == 10.0


def test_times_come_back_from_json_and_other_versions_are_refused() -> None:
    assert LayerTimes.from_json(TIMES.to_json()) == TIMES
    with pytest.raises(ValueError, match="measure them again"):
        LayerTimes.from_json(TIMES.to_json().replace('"version": 2', '"version": 0'))


def test_times_are_kept_for_this_machine_and_what_is_damaged_was_never_measured(
    tmp_path: Path,
) -> None:
    assert load_times(tmp_path) is None
    save_times(TIMES, tmp_path)
    assert load_times(tmp_path) == TIMES
    assert [path.name for path in place(tmp_path).parent.iterdir()] == [place(tmp_path).name]
    place(tmp_path).write_text("{")
    assert load_times(tmp_path) is None


def test_a_worker_measures_once_for_everybody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = one_of_each()[:2]
    monkeypatch.setattr(timing, "measure_layers", lambda _: measure_layers(0.0, few))
    store = open_store()
    run = store.create("digits/simple-nn", 0, Recipe(), "times")
    work(run.id, store)
    done = store.get(run.id)
    known = load_times(store.home)
    store.close()
    assert done.state == "finished"
    assert known is not None and len(known.timings) == 2
    assert done.outcome == {"machine": known.machine, "layers": 2}
