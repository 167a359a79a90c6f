"""What a file tells by itself, and how samples are to be scaled."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from compress_core.clinic import examine, normalisations, score, untouched
from compress_core.data import Part
from compress_core.importers import known
from compress_core.importers.reading import read
from compress_core.network import from_graph, from_module
from compress_core.refusal import IntakeError
from compress_core.zoo.build import build
from tests.foreign import NETS, batch, make, write


def test_weights_of_our_own_are_recognised_by_names_and_shapes(tmp_path: Path) -> None:
    save_file(build("vgg-small", 0, 0.5).state_dict(), tmp_path / "noname")
    found = examine(tmp_path / "noname")
    assert found.format == "safetensors" and found.architecture == "vgg-small (fitting-room)"
    assert (found.channels, found.classes, found.input_shape) == (1, 10, (1, 28, 28))
    assert not found.questions


def test_a_plain_network_gets_proposals_and_a_question(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                           nn.Linear(8 * 32 * 32, 7))  # fmt: skip
    save_file(module.state_dict(), tmp_path / "weights")
    found = examine(tmp_path / "weights")
    # 64 x 64 and one pool, as it was, or 32 x 32 and none: nothing in the file tells which.
    assert found.input_shape == (3, 32, 32) and found.classes == 7
    assert examine(tmp_path / "weights", (3, 64, 64)).questions == ("architecture",)
    assert found.proposals and set(found.questions) == {"architecture", "input_shape"}


def test_architectures_of_torchvision_are_found_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def get_model(name: str, weights: None, num_classes: int) -> nn.Module:
        module = nn.Module()
        module.layer1 = nn.ModuleList([nn.Module()])
        module.layer1[0].conv1 = nn.Conv2d(3, 4 if name == "resnet18" else 8, 3)
        module.fc = nn.Linear(4, num_classes)
        return module

    models = SimpleNamespace(list_models=lambda module: ["alexnet", "resnet18", "resnet50"],
                             get_model=get_model)  # fmt: skip
    monkeypatch.setattr(known, "find_spec", lambda name: name == "torchvision" or None)
    monkeypatch.setattr(known, "import_module", lambda name: models)
    weights = {n: tuple(t.shape) for n, t in get_model("resnet18", None, 6).state_dict().items()}
    found = known.recognise(weights)
    assert found is not None and (found.name, found.source) == ("resnet18", "torchvision")
    assert found.input_shape == (3, 224, 224)
    assert known.missing_packages() == ("timm",)


def test_a_pickled_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(b"\x80\x04N.")
    with pytest.raises(IntakeError, match="whole pickled network"):
        examine(tmp_path / "net.pkl")


def test_the_right_normalisation_scores_best() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (300, 3, 6, 6), generator=generator, dtype=torch.uint8)
    module = nn.Sequential(nn.Flatten(), nn.Linear(108, 16), nn.Tanh(), nn.Linear(16, 4))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        for layer in module:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight)
    network = from_module(module, (3, 6, 6), ("a", "b", "c", "d"), "net")
    with torch.inference_mode():
        classes = network.module((x.float() - 127.5) / 127.5).argmax(1)
    part = Part(name="train", x=x, y=classes)
    candidates = normalisations(part)
    assert [round(c.mean, 1) for c in candidates[:3]] == [0.0, 127.5, 114.5]
    best, *others = score(network, part, candidates)
    assert best.name == "-1 to 1" and best.score == 1.0
    assert others[0].score < 1.0 and others[-1].score < 0.7
    assert all(0 < c.score <= 1 for c in score(network, part, candidates, labelled=False))


def test_what_stays_untouched_is_named(tmp_path: Path) -> None:
    found = {}
    for name in ("upward", "gru", "sound"):
        path = write(make(name), batch(name), tmp_path / name, "onnx")
        read_ = read(path, "onnx", NETS[name][1], tmp_path)
        found[name] = untouched(from_graph(read_.module, read_.input_shape, ("a",), name))
    assert found["sound"] == ()
    assert found["gru"] == ()
    assert found["upward"][0] == "up (ConvTranspose2d)"
    assert any("cumsum" in name for name in found["upward"])
