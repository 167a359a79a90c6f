from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from torch import nn

from compress_core.compress import compress
from compress_core.filming import record_film
from compress_core.intake.choices import Choices
from compress_core.intake.load_data import open_parts, prepare
from compress_core.intake.scaling import Scaling
from compress_core.network import Network, from_module
from compress_core.owner import this_process
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.runs import Store
from compress_core.scenarios import load_scenario
from compress_core.take_in import Samples, take_in
from compress_core.try_out import first_differences
from pages.shared import game_film, pad
from tests import stage
from tests.belongings import SHADES, shades_zip
from tests.browser import ROOT
from tests.uploads import shade

PAGE = str(ROOT / "pages" / "9_try.py")
DIGITS = "digits.simple-nn"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with stage.idle_store(monkeypatch) as store:
        yield store


def opened(model: str = DIGITS, bits: int = 2) -> AppTest:
    return stage.open_page(PAGE, model=model, bits=str(bits))


def by_sample(at: AppTest) -> AppTest:
    at.session_state["try.way.ink"] = "sample"
    return at.run()


def headings(at: AppTest) -> list[str]:
    return [element.value for element in at.subheader]


def test_at_first_nothing_is_asked_and_the_differences_are_told() -> None:
    at = opened()

    assert headings(at) == ["Which digit is this?", "No question yet", "Where they differ"]
    assert "nothing leaves the machine" in stage.words(at)
    scenario = load_scenario("digits/simple-nn")
    steps = (Prune(sparsity=0.3), Quantize(weight_bits=2, activation_bits=8))
    found = first_differences(
        compress(scenario.network, Recipe(steps=steps), scenario.data), scenario.data.validation
    )
    first = found.found[0]
    assert f"Validation sample {first.sample + 1} · labelled {first.truth}" in stage.words(at)


def test_a_sample_is_answered_by_both_side_by_side() -> None:
    at = by_sample(opened())
    sample = int(at.number_input[0].value)
    part = load_scenario("digits/simple-nn").data.validation

    assert f"Validation sample {sample} · labelled {int(part.y[sample - 1])}" in stage.words(at)
    original, compressed = (chart.alt for chart in stage.charts(at))
    assert original.startswith("Original: ") and compressed.startswith("Compressed: ")
    assert headings(at)[1].startswith(("Both say", "They differ"))


def test_the_next_difference_is_one() -> None:
    at = by_sample(opened())
    at.button("try.difference").click().run()

    assert not at.exception
    assert headings(at)[1].startswith("They differ: ")
    assert "It is labelled" in stage.words(at)


def test_a_difference_is_looked_at_from_its_card() -> None:
    at = opened()
    button = next(each for each in at.button if str(each.key).startswith("try.look."))
    button.click().run()

    assert not at.exception
    assert at.number_input[0].value == int(str(button.key).rpartition(".")[2]) + 1
    assert headings(at)[1].startswith("They differ: ")


def test_what_was_not_compressed_never_differs() -> None:
    at = stage.open_page(PAGE, model=DIGITS, share="0", bits="32", activations="32")
    assert "On the first 360 validation samples they never differ." in stage.words(at)


PNG = pad._START + b64encode(b"\x89PNG").decode()


@given(st.one_of(st.none(), st.integers(), st.text(), st.text().map(pad._START.__add__)))
@example(pad._START + "ä")
def test_what_a_browser_sends_is_a_drawing_or_nothing(sent: object) -> None:
    assert isinstance(pad.decoded(sent), bytes | None)


def test_a_drawing_is_the_bytes_of_its_file_unless_it_is_far_too_long() -> None:
    assert pad.decoded(PNG) == b"\x89PNG"
    assert pad.decoded(pad._START + "A" * pad.LONGEST) is None


@pytest.fixture
def shades() -> Network:
    """A network that tells three greys apart by the centre that is nearest to the mean."""
    linear, centres = nn.Linear(1, 3), torch.tensor([20, 120, 220]) / 255
    # The nearest centre c of the mean brightness m has the largest 2cm - c².
    linear.load_state_dict({"weight": 2 * centres[:, None], "bias": -(centres**2)})
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
    return from_module(module, (1, 8, 8), tuple("012"), "shades")


def test_a_network_of_ones_own_is_tried_on_pictures_and_samples(
    shades: Network, tmp_path: Path
) -> None:
    classes = tuple(zip(SHADES, "012", strict=True))
    archive = shades_zip(tmp_path / "shades.zip")
    folder = prepare(archive, shades, Choices(classes=classes))
    samples = Samples(file=archive.name, data=open_parts(folder, shades), folder=folder)
    name = take_in(shades, "shades.onnx", "onnx", samples, Scaling(std=255.0))
    at = opened(name.replace("/", "."), bits=8)
    assert headings(at)[:2] == ["Which of 3 classes is this?", "No question yet"]

    at.session_state["try.way.picture"] = "picture"
    at.run()
    at.file_uploader(key="try.picture").set_value(("light.png", shade(215), "image/png")).run()
    assert not at.exception and headings(at)[1] == "Both say light"
    at.file_uploader(key="try.picture").set_value(("torn.png", b"torn", "image/png")).run()
    assert not at.exception and "cannot be shown to the network" in at.warning[0].value

    at.session_state["try.way.picture"] = "sample"
    at.run()
    assert not at.exception and "That is right." in stage.words(at)


def test_without_samples_it_says_what_is_unknown(shades: Network) -> None:
    name = take_in(shades, "shades.onnx", "onnx", None)
    at = opened(name.replace("/", "."))
    assert "there are none" in at.error[0].value  # activations in 8 bits, as everywhere at first
    assert at.button("try.explore").label == "Change the recipe"

    at = stage.open_page(PAGE, model=name.replace("/", "."), bits="8", activations="32")

    assert "came without samples" in at.info[0].value
    assert "There are no samples to compare them on." in stage.words(at)


def test_only_networks_that_play_are_watched() -> None:
    assert "Watch both play" not in headings(opened())
    at = opened("lander.mlp")
    assert "Watch both play" in headings(at) and at.button("try.play")


def test_a_film_is_made_in_the_background_and_watched(store: Store) -> None:
    at = opened("lander.mlp", bits=3)
    at.button("try.play").click().run()
    (run,) = store.list(task="film")
    assert not at.exception and "Both are playing" in stage.words(at)

    store.claim(run.id, this_process())
    outcome, cancelled = record_film(store.get(run.id), store, lambda: False)
    store.finish(run.id, outcome, cancelled=cancelled)
    original, _ = outcome["returns"]
    assert original > 200  # what counts as a landing
    at.run()
    assert not at.exception
    assert f"They part at step {outcome['part_step'] + 1} of {outcome['steps']}" in stage.words(at)
    assert f"Original: {original:.0f} points" in stage.words(at)


def test_the_moment_they_part_is_told_with_what_each_does() -> None:
    outcome = {"part_step": 2, "part": [1, 0], "steps": 1200}
    told = game_film.parting(outcome, ("left", "right"))
    assert "step 3 of 1,200" in told and "does “right”, the compressed one “left”" in told
    assert "same to the end" in game_film.parting({"part_step": None}, ("left", "right"))
