from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
import torch
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest
from torch import nn

from compress_core import wardrobe
from compress_core.recipe import Finetune
from pages.shared.choice import FLOAT
from tests import stage
from tests.belongings import shades_onnx, shades_zip
from tests.browser import ROOT
from tests.stage import idle_store, words

PAGE = str(ROOT / "pages" / "1_choose.py")
EXPLORE = str(ROOT / "pages" / "2_explore.py")


@pytest.fixture(autouse=True)
def staying(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is run alone knows no other to go to."""
    monkeypatch.setattr("streamlit.switch_page", lambda page: st.stop())


def explored(name: str, page: str = "2_explore.py") -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / page), default_timeout=90)
    at.query_params["model"] = name.replace("/", ".")
    at.run()
    assert not at.exception
    return at


def opened() -> AppTest:
    at = AppTest.from_file(PAGE, default_timeout=90).run()
    assert not at.exception
    return at


def drop(at: AppTest, key: str, file: Path) -> AppTest:
    at.file_uploader(key=key).set_value((file.name, file.read_bytes(), "")).run()
    assert not at.exception
    return at


def click(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    assert not at.exception
    return at


def test_a_network_and_its_data_are_recognised_scored_and_hung_up(tmp_path: Path) -> None:
    at = drop(opened(), "own.file.0", shades_onnx(tmp_path / "shades.onnx"))
    drop(at, "own.data", shades_zip(tmp_path / "shades.zip", broken=True))
    assert "no label called dark, grey, light" in words(at)
    click(at, "own.data.answer")
    assert "1 of 61 samples cannot be used" in " ".join(w.value for w in at.warning)
    click(at, "own.skip")
    assert at.radio[0].options[0] == "0 to 1: 100.0 % ±4.1"  # all 43 training samples
    assert at.radio[0].value == "0 to 1"
    click(at, "own.take")

    [name] = wardrobe.names()
    known = wardrobe.record(name)
    assert (known.labels, known.against, known.std) == (("dark", "grey", "light"), "labels", 255.0)
    assert known.test is not None and known.test.value == 1.0
    assert at.session_state["choice.scenario"] == name
    assert explored(name).title[0].value == "shades"
    assert not list(wardrobe.wardrobe().glob(".new-*"))  # nothing is left on the desk

    at = opened()
    assert at.subheader[-2].value == "shades"
    click(at, f"own.removed.{name}")
    assert wardrobe.names() == () and not wardrobe.place(name).exists()


def test_without_labels_agreement_takes_the_place_of_accuracy(tmp_path: Path) -> None:
    at = drop(opened(), "own.file.0", shades_onnx(tmp_path / "shades.onnx"))
    drop(at, "own.data", shades_zip(tmp_path / "shades.zip", labels=False))
    assert "No labels" in " ".join(info.value for info in at.info)
    click(at, "own.take")
    [name] = wardrobe.names()
    assert wardrobe.record(name).against == "original"
    assert [metric.label for metric in explored(name).metric] == ["Packed size", "Agreement"]


def bring_unlabelled(tmp_path: Path) -> None:
    at = drop(opened(), "own.file.0", shades_onnx(tmp_path / "shades.onnx"))
    drop(at, "own.data", shades_zip(tmp_path / "shades.zip", labels=False))
    click(at, "own.take")


def test_without_labels_there_is_only_the_original_to_learn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_unlabelled(tmp_path)
    with idle_store(monkeypatch) as store:
        at = explored(wardrobe.names()[0], "3_recover.py")
        assert "Nobody labelled these samples" in words(at)
        assert "tuning.temperature" in {slider.key for slider in at.slider}
        assert "tuning.teacher" not in {group.key for group in at.button_group}
        assert "teacher" not in at.query_params
        click(at, "recover.start")
        (run,) = store.list()
        assert run.recipe.finetune == Finetune(epochs=3, teacher=1)


def test_a_run_without_labels_leaves_the_teacher_of_other_networks_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_unlabelled(tmp_path)
    with idle_store(monkeypatch) as store:
        taught = replace(stage.RECIPE, finetune=Finetune(epochs=2, teacher=1))
        run = stage.ended(store, recipe=taught, name=wardrobe.names()[0])
        at = AppTest.from_file(str(ROOT / "pages" / "3_recover.py"), default_timeout=90)
        at.query_params["run"] = run.id
        at.run()
        assert not at.exception
        assert at.select_slider("tuning.epochs").value == 2
        assert "tuning.teacher" not in {group.key for group in at.button_group}
        del at.query_params["run"]
        at.session_state["choice.scenario"] = stage.NAME
        at.run()
        assert not at.exception
        assert at.button_group("tuning.teacher").value == Finetune().teacher


def test_without_data_sizes_are_known_and_accuracy_is_not(tmp_path: Path) -> None:
    at = drop(opened(), "own.file.0", shades_onnx(tmp_path / "shades.onnx"))
    click(click(at, "own.without"), "own.take")
    assert at.session_state["choice.activation_bits"] == FLOAT
    [name] = wardrobe.names()
    at = explored(name, "3_recover.py")
    assert at.title[0].value == "There are no samples to learn from"

    at = explored(name)
    assert "there are none" in at.error[0].value  # activations in 8 bits, as everywhere at first
    at.button(key="explore.preset.bold").click().run()
    assert not at.error and not at.exception
    packed, accuracy = at.metric
    assert packed.value.endswith(" B") and accuracy.value == "unknown"


def test_a_pickled_network_is_refused_with_the_lines_that_convert_it(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.")
    at = drop(opened(), "own.file.0", path)
    assert "so it is not opened" in at.error[0].value
    assert "torch.export.export" in at.code[0].value
    drop(at, "own.file.1", shades_onnx(tmp_path / "shades.onnx"))
    assert not at.error


def test_bare_weights_become_a_table_of_layers_once_the_shape_is_known(tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    )
    save_file(plain.state_dict(), tmp_path / "plain.safetensors")
    at = drop(opened(), "own.file.0", tmp_path / "plain.safetensors")
    at.text_input(key="own.shape").set_value("eight")
    click(at, "own.answer")
    assert "such as 3 × 224 × 224" in at.error[0].value
    at.text_input(key="own.shape").set_value("1 x 8 x 8")
    click(at, "own.answer")
    click(at, "own.answer")
    assert not at.error
    assert any("1 × 8 × 8" in str(each.value) for each in at.table) or at.file_uploader(
        key="own.data"
    )


def test_a_link_to_a_network_of_somebody_else_says_so() -> None:
    at = AppTest.from_file(EXPLORE, default_timeout=90)
    at.query_params["model"] = "own.0123456789ab"
    at.run()
    assert not at.exception
    assert "not on this machine" in at.info[0].value
    assert at.title[0].value == "LeNet-5"
