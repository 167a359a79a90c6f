"""Networks that others wrote, from every format: the same answers, and ready to be compressed."""

import tempfile
from pathlib import Path

import pytest
import torch
from torch import nn

from compress_core.compress import compress
from compress_core.data import Data, Part
from compress_core.exporters.export import export
from compress_core.exporters.target import Target
from compress_core.exporters.targets import targets
from compress_core.fit_file import from_bytes, to_bytes
from compress_core.importers.load_network import load_network
from compress_core.importers.reading import Found, check, read
from compress_core.network import Network, from_graph
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.structure import describe
from tests.foreign import NETS, batch, make, write
from tests.nets import untrained

FORMATS = {"onnx": "onnx", "onnx-dynamo": "onnx", "onnx-fixed": "onnx", "pt2": "pt2",
           "pt2-fixed": "pt2", "torchscript": "torchscript"}  # fmt: skip
QUICK = [
    *((name, "onnx") for name in NETS),
    *((name, "pt2") for name in NETS if name not in ("gru", "dense")),
    ("squeeze", "onnx-fixed"), ("attention", "onnx-fixed"), ("lstm", "onnx-fixed"),
    ("attention", "pt2-fixed"), ("sound", "torchscript"),
]  # fmt: skip
SLOW = [(name, how) for name in NETS for how in FORMATS if (name, how) not in QUICK]


def brought(name: str, how: str, folder: Path) -> tuple[Found, nn.Module]:
    """Write a network and read it again, here and not apart: these files are our own."""
    module = make(name)
    count = 1 if how.endswith("fixed") else 2
    path = write(module, batch(name, count), folder / "net", how)
    found = read(path, FORMATS[how], NETS[name][1], folder)
    check(found)
    return found, module


def same_answers(name: str, how: str, folder: Path) -> None:
    found, module = brought(name, how, folder)
    x = batch(name, 3)
    with torch.inference_mode():
        assert torch.allclose(found.module(x.float()), module(x), atol=1e-4)
    network = from_graph(found.module, found.input_shape, ("a",), name)
    assert describe(network)["input"] == list(NETS[name][1])
    assert "fc" in [layer.name for layer in network.layers]  # names are kept


@pytest.mark.parametrize(("name", "how"), QUICK)
def test_the_answers_are_those_of_the_source(name: str, how: str, tmp_path: Path) -> None:
    same_answers(name, how, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), SLOW)
def test_the_answers_are_those_of_the_source_slow(name: str, how: str, tmp_path: Path) -> None:
    same_answers(name, how, tmp_path)


def data_for(network: Network, words: int | None) -> Data:
    def part(name: str, count: int) -> Part:
        x = torch.randn(count, *network.input_shape, generator=torch.Generator().manual_seed(2))
        x = x if words is None else (x.abs() * 9).long().clamp(max=words - 1).float()
        return Part(name=name, x=x, y=torch.zeros(count, dtype=torch.int64))  # type: ignore

    return Data(
        train=part("train", 64), validation=part("validation", 8), test=part("test", 8),
        labels=network.labels,
    )  # fmt: skip


def target_named(name: str) -> Target:
    return next(target for target in targets() if target.name == name)


INT8 = Recipe(steps=(Quantize(weight_bits=8, activation_bits=8),))
HALF = Recipe(steps=(Prune(sparsity=0.5, granularity="weight"),))
NARROW = Recipe(steps=(Prune(sparsity=0.5, granularity="channel", layers="*"),))


@pytest.mark.parametrize("name", NETS)
def test_whatever_comes_in_can_be_compressed(name: str, tmp_path: Path) -> None:
    found, _ = brought(name, "onnx", tmp_path)
    network = from_graph(found.module, found.input_shape, ("a", "b", "c"), name)
    data = data_for(network, found.tokens)
    x = data.test.inputs()
    with torch.inference_mode():
        before = network.module(x)
        after = compress(network, INT8, data).module(x)
    noise = (before - after).square().mean() / before.square().mean()
    assert 10 * torch.log10(1 / noise) > 20  # eight bits leave little noise
    packed = from_bytes(to_bytes(compress(network, INT8, data)).data)
    with torch.inference_mode():
        assert torch.equal(packed.module(x), after)
    halved = compress(network, HALF, data)
    for layer in network.layers:
        weight = halved.weight(layer.name)
        assert abs(int((weight == 0).sum()) - weight.numel() / 2) <= 1


@pytest.mark.parametrize("name", ["squeeze", "dense", "sound", "words"])
def test_channels_that_can_go_go(name: str, tmp_path: Path) -> None:
    found, _ = brought(name, "pt2", tmp_path)
    network = from_graph(found.module, found.input_shape, ("a", "b", "c"), name)
    smaller = compress(network, NARROW, data_for(network, found.tokens))
    assert smaller.network.parameters < network.parameters * 0.9
    with torch.inference_mode():
        answers = smaller.module(batch(name, 3).float())
    assert answers.shape == (3, network.layers[-1].shape[0])


def test_heads_that_want_just_so_many_channels_keep_them(tmp_path: Path) -> None:
    found, _ = brought("words", "pt2", tmp_path)
    network = from_graph(found.module, found.input_shape, ("a", "b", "c"), "words")
    smaller = compress(network, NARROW, data_for(network, 50)).network
    shapes = {layer.name: layer.shape for layer in smaller.layers}
    assert shapes["block.self_attn.in_proj"] == (48, 16)
    assert shapes["block.linear1"] == (16, 16) and shapes["block.linear2"] == (16, 16)


def test_a_file_is_read_apart_and_handed_over_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = make("lstm")
    path = write(module, batch("lstm"), tmp_path / "anything.txt", "pt2")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    network = load_network(path)
    assert not list((tmp_path / "temporary").iterdir())
    assert network.name == "anything" and network.input_shape == (9, 5)
    assert network.labels == ("0", "1", "2")
    x = batch("lstm", 3)
    with torch.inference_mode():
        assert torch.allclose(network.module(x), module(x), atol=1e-5)
    data = data_for(network, None)
    compressed = compress(network, INT8, data)
    proof = export(compressed, target_named("onnx"), tmp_path, data)
    assert proof.run is not None and proof.run.agreement.value == 1.0


def test_weights_of_our_own_architectures_need_no_structure(tmp_path: Path) -> None:
    network = untrained("resnet-20", width=0.25)
    path = tmp_path / "weights.bin"
    torch.save({"epoch": 3, "state_dict": {f"module.{n}": t
                for n, t in network.module.state_dict().items()}}, path)  # fmt: skip
    found = read(path, "state_dict", (1, 12, 12), tmp_path)
    check(found)
    x = torch.randn(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(found.module(x), network.module(x))
