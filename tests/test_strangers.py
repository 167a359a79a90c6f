"""A network nobody here wrote, from its published weights to files that run elsewhere."""

from pathlib import Path

import pytest
import torch

from benchmarks.strangers import agreement_data, answers, bring
from benchmarks.strangers_inputs import crops
from benchmarks.strangers_nets import rebuilt
from compress_core.compress import compress
from compress_core.exporters.export import export
from compress_core.exporters.targets import targets
from compress_core.importers.formats import recognise
from compress_core.importers.load_network import load_network
from compress_core.importers.state_dict import read_tensors
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.refusal import NeedsArchitecture

PNET = Path(__file__).parent / "strangers" / "mtcnn-pnet.pt"


def test_weights_alone_of_an_unknown_architecture_ask_for_their_structure() -> None:
    with pytest.raises(NeedsArchitecture, match="weights alone"):
        load_network(PNET)


def test_a_structure_with_a_weight_too_many_is_not_filled() -> None:
    tensors = read_tensors(PNET, recognise(PNET))
    with pytest.raises(RuntimeError, match="extra"):
        rebuilt("mtcnn-pnet", {**tensors, "extra": torch.zeros(1)})


def test_pnet_is_loaded_pruned_to_half_rounded_to_int8_written_and_proved(tmp_path: Path) -> None:
    train, test = (crops(12, 64, 127.5, 128, half) for half in (0, 1))
    network, gap = bring("mtcnn-pnet", PNET, test, tmp_path)
    assert gap <= 1e-4
    assert [layer.shape[0] for layer in network.layers] == [10, 16, 32, 2, 4]
    data = agreement_data(network, train, test)

    rounded = compress(network, Recipe(steps=(Quantize(weight_bits=8, activation_bits=8),)), data)
    wanted = answers(network.module, test)
    error = (answers(rounded.module, test) - wanted).norm() / wanted.norm()
    assert error < 0.1

    half = Recipe(
        steps=(
            Prune(sparsity=0.5, granularity="channel"),
            Quantize(weight_bits=8, activation_bits=8),
        )
    )
    compressed = compress(network, half, data)
    assert [layer.shape[0] for layer in compressed.network.layers] == [5, 8, 16, 2, 4]
    (onnx,) = (target for target in targets() if target.name == "onnx")
    proof = export(compressed, onnx, tmp_path, data)
    assert proof.run is not None and proof.run.step is not None
    assert proof.run.agreement.value == 1
    assert proof.run.gap <= proof.run.step * 1.001
