from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compress_core.checkpoint import to_bytes
from compress_core.compress import compress
from compress_core.control import ControlPoint
from compress_core.exporters import targets
from compress_core.exporters.target import ExportError
from compress_core.latency import Latency
from compress_core.measured import proportion
from compress_core.proof import Proof
from compress_core.proof import Run as Ran
from compress_core.runs import Run, Store
from compress_core.scenarios import load_scenario
from compress_core.worth import Worth
from pages.shared import export_cards, export_sizes, export_state, export_words
from pages.shared.export_shelf import MOST, Shelf
from tests import stage
from tests.browser import ROOT

PAGE = str(ROOT / "pages" / "7_export.py")
CONTROLS = {"model": "digits.simple-nn", "share": "60", "bits": "4"}
"""The address of the controls that describe the steps of `stage.RECIPE`."""
RAN = Ran(
    part="test", agreement=proportion(360, 360), gap=0.5, step=0.25,
    accuracy=proportion(300, 360), latency=Latency(before=2, after=1, speedup=2, rounds=9),
)  # fmt: skip
PROOF = Proof(
    target="onnx", file="net.onnx", bytes=1000, sha256="0" * 64, runtime="ONNX Runtime 1",
    weights="8 bit codes", arithmetic="8 bit integers", floats=(), remark="", speed="Fast.",
    run=RAN,
)  # fmt: skip


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    export_state.shelf.clear()
    with stage.idle_store(monkeypatch) as store:
        yield store
    export_state.shelf.clear()


def opened() -> AppTest:
    return stage.open_page(PAGE, **CONTROLS)


def table_with(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> None:
    """Let one target of the table be different."""
    every = [replace(t, **changes) if t.name == name else t for t in targets.TARGETS]
    monkeypatch.setattr(targets, "TARGETS", tuple(every))


def won_back(store: Store) -> Run:
    """A finished run that left a state."""
    run = stage.begun(store)
    scenario = load_scenario(stage.NAME)
    store.keep(run.id, to_bytes(compress(scenario.network, stage.RECIPE, scenario.data)))
    outcome = {
        "original": {"validation": stage.worth(353), "test": stage.worth(350, "test")},
        "compressed": {"validation": stage.worth(324)},
        "final": {"validation": stage.worth(342), "test": stage.worth(338, "test")},
        "training": None,
    }
    store.finish(run.id, outcome, cancelled=False)
    return store.get(run.id)


def saves(at: AppTest) -> list[str]:
    return [button.proto.label for button in at.get("download_button")]


def test_nothing_is_offered_before_it_was_run() -> None:
    at = opened()

    assert saves(at) == []
    assert at.button("export.first").label == "Make the ONNX file"
    here = [t for t in targets.targets() if t.available]
    assert {at.button(f"export.make.{t.name}").label for t in here} == {"Make this file"}
    assert "each file that you make is added here" in stage.charts(at)[0].alt


@pytest.mark.parametrize("button", ["export.make.fit", "export.first"])
def test_a_file_comes_with_its_certificate(button: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_words, "RECOMMENDED", ("fit",))
    at = opened()
    at.button(button).click().run()
    assert not at.exception
    text, figures = stage.words(at), {metric.label: metric.value for metric in at.metric}

    assert "It answers like the preview on all 360 test samples" in text
    assert figures["Same class"] == "100 %"
    assert figures["File"] == figures["Packed size"]
    assert saves(at) == ["Save simple-nn.fit", "Save"]
    assert "load_fit" in at.code[0].value


def test_a_certificate_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened()
    for name in ("fit", "safetensors"):
        at.button(f"export.make.{name}").click().run()
    assert "Certificate of simple-nn.safetensors" in stage.words(at)

    at.button("export.show.fit").click().run()
    assert "Certificate of simple-nn.fit" in stage.words(at)


def test_a_runtime_that_is_missing_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table_with(monkeypatch, "ncnn", needs=("no_such_runtime",), remedy="Install it like this.")
    at = opened()
    text = stage.words(at)

    assert "`no_such_runtime`" in text and "Install it like this." in text
    assert "export.make.ncnn" not in [button.key for button in at.button]
    assert export_cards.targets()[-1].name == "ncnn"


def test_a_failed_export_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ExportError("It has no operator for this.")

    table_with(monkeypatch, "onnx", write=refuse)
    at = opened()
    at.button("export.make.onnx").click().run()

    assert at.error[0].value == "It has no operator for this."
    assert "No file was kept" in stage.words(at)
    assert saves(at) == []
    assert at.button("export.make.onnx").label == "Try again"
    assert at.button("export.change.onnx").label == "Change the recipe"


def test_the_state_that_was_won_back_comes_first(store: Store) -> None:
    run = won_back(store)
    at = opened()

    assert at.radio[0].value == run.id
    assert at.radio[0].options == ["After winning it back, run 1", "As it is now"]
    assert {m.label: m.value for m in at.metric}["Accuracy"] == "95.0 % ±2.3"

    at.radio[0].set_value(export_state.AS_IT_IS).run()
    assert {m.label: m.value for m in at.metric}["Accuracy"] != "95.0 % ±2.3"


def test_each_state_has_files_of_its_own(store: Store) -> None:
    won_back(store)
    at = opened()
    at.button("export.make.fit").click().run()
    assert saves(at) == ["Save simple-nn.fit", "Save"]

    at.radio[0].set_value(export_state.AS_IT_IS).run()
    assert saves(at) == []


def test_runs_without_a_state_are_not_offered(store: Store) -> None:
    stage.ended(store)

    assert not opened().radio


def test_a_state_that_is_gone_is_said(store: Store) -> None:
    run = won_back(store)
    store.artifacts.remove(run.checkpoint)
    export_state._kept.clear()
    at = opened()

    assert "is gone; run the recipe again" in at.error[0].value
    assert at.button("export.recover").label == "Win it back once more"


@pytest.mark.parametrize(
    ("right", "text"), [(10_000, "100 %"), (9_999, "99.99 %"), (9_990, "99.90 %")]
)
def test_a_share_is_never_rounded_up_to_all(right: int, text: str) -> None:
    assert export_words.share(proportion(right, 10_000)) == text


@pytest.mark.parametrize(
    ("speedup", "text"),
    [(1.84, "1.8× faster"), (1.05, "as fast as before"), (0.54, "slower, 0.54×")],
)
def test_a_card_tells_of_speed_what_was_measured(speedup: float, text: str) -> None:
    latency = Latency(before=speedup, after=1, speedup=speedup, rounds=9)
    proof = replace(PROOF, run=replace(RAN, latency=latency))

    assert export_words.in_short(proof) == f"**1.00 kB** · 100 % same answers · {text}"


def test_a_file_that_grew_is_not_called_smaller() -> None:
    assert export_words.against(247, 35.7) == "6.92× smaller"
    assert export_words.against(30, 35.7) == "1.19× larger"


def test_gaps_are_told_in_output_steps() -> None:
    assert export_words.gap(RAN) == ("2.00 steps", "of 0.250 each")
    assert export_words.gap(replace(RAN, step=None))[0] == "0.500"
    assert export_words.verdict(replace(PROOF, run=None)) == "Written, but not run here"


@pytest.mark.parametrize(
    ("accuracy", "packed", "start", "end"),
    [
        (300, 900, "A small network trained from scratch", "with 800 B."),
        (300, 700, "A small network trained from scratch", "with 800 B."),
        (359, 900, "No small network", "the best has 91.7 % with 1.60 kB."),
    ],
)
def test_the_control_is_told_beside_the_sizes(
    accuracy: int, packed: int, start: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [
        ControlPoint(
            width=1, packed_bytes=size, validation=proportion(n, 360), test=proportion(1, 2)
        )
        for size, n in ((800, 300), (1600, 330))
    ]
    monkeypatch.setattr("compress_core.control.load_control", lambda _: tuple(points))
    now = replace(Worth.from_dict(stage.worth(accuracy)), packed_bytes=packed)
    text = export_sizes.control(stage.NAME, now)

    assert text.startswith(start)
    assert text.endswith(end) or "starting small would have been as good" in text
    assert ("starting small" in text) == (packed > 800 and accuracy == 300)


def test_without_a_control_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress_core.control.load_control", lambda _: ())

    assert export_sizes.control(stage.NAME, Worth.from_dict(stage.worth(300))) == ""


def test_the_shelf_keeps_a_few_and_leaves_nothing_behind() -> None:
    shelf = Shelf()

    def make(folder: Path) -> Proof:
        (folder / PROOF.file).write_bytes(b"net")
        return PROOF

    def fail(folder: Path) -> Proof:
        (folder / "half.onnx").write_bytes(b"n")
        raise ExportError("No.")

    for number in range(MOST + 2):
        shelf.put(str(number), make)
    with pytest.raises(ExportError):
        shelf.put("fails", fail)
    assert shelf.get("1") is None and shelf.get("2") is not None
    assert len(list(shelf.folder.iterdir())) == MOST

    folder = shelf.folder
    del shelf
    assert not folder.exists()
