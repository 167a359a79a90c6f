from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch
from onnx import TensorProto
from torch import nn

from compress_core.compress import compress
from compress_core.exporters.export import output_step
from compress_core.exporters.onnx import open_file, write
from compress_core.network import from_module
from compress_core.recipe import Quantize, Recipe
from tests.exports import STEPS, assert_same, compressed, preview, samples
from tests.nets import noise, noise_data, untrained

LENET_5 = "fashion-mnist/lenet-5"
FLOATS = {
    "w8a8": (),
    "channels w8a8": (),
    "zeros w4a8": (),
    "w4a4": (),
    "w5a6": (),
    "low rank w8a8": (),
    "w8a8 per tensor": (),
    "a8 of fc*": ("FusedConv ×2", "Gemm ×1"),
}
"""What is left in float where integers are at work."""


@pytest.mark.parametrize("name", STEPS)
def test_the_file_answers_as_the_preview(name: str, tmp_path: Path) -> None:
    of, x = compressed(LENET_5, name), samples(LENET_5, 500)
    path = tmp_path / "network.onnx"
    written = write(of, path)

    assert_same(open_file(path, of)(x), preview(of, x), output_step(of))
    assert written.floats == FLOATS.get(name, ())
    assert ("integers" in written.arithmetic) == (name in FLOATS)


@pytest.mark.parametrize(
    ("name", "weights", "kilobytes"),
    [
        ("nothing", "32 bit floats", 249),
        ("w12a12", "16 bit codes", 130),
        ("w8a8", "8 bit codes", 69),
        ("w8", "8 bit codes", 66),
        ("w4", "4 bit codes", 36),
        ("zeros w4a8", "4 bit codes", 38),
        ("w4a8 codebook", "4 bit codes", 39),
        ("w4 groups", "4 bit codes", 46),
        ("a8 of fc*", "8 bit codes and 32 bit floats", 74),
    ],
)
def test_what_was_rounded_is_small_on_disk(
    name: str, weights: str, kilobytes: int, tmp_path: Path
) -> None:
    path = tmp_path / "network.onnx"
    assert write(compressed(LENET_5, name), path).weights == weights
    assert kilobytes - 2 < path.stat().st_size / 1000 <= kilobytes


def test_four_bit_codes_are_kept_two_in_a_byte(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    write(compressed(LENET_5, "zeros w4a8"), path)

    tensors = {t.name: t for t in onnx.load(path).graph.initializer}
    codes = tensors["fc1.weight.codes"]
    assert codes.data_type == TensorProto.INT4
    assert len(codes.raw_data) == 120 * 400 // 2


@pytest.mark.parametrize("batch", [1, 7])
def test_the_batch_size_is_free(batch: int, tmp_path: Path) -> None:
    of, x = compressed(LENET_5, "w8a8"), samples(LENET_5, batch)
    path = tmp_path / "network.onnx"
    write(of, path)

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (answers,) = session.run(["output"], {"input": x.numpy()})
    assert session.get_inputs()[0].shape == ["batch", 1, 28, 28]
    assert answers.shape == (batch, 10)
    assert np.array_equal(answers.argmax(1), preview(of, x).argmax(1).numpy())


def test_no_stack_trace_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    write(compressed(LENET_5, "w8a8"), path)

    content = path.read_bytes()
    assert b"compress_core" not in content and b".py" not in content
    graph = onnx.load(path).graph
    assert len(content) - sum(len(t.raw_data) for t in graph.initializer) < 5000


def test_residual_networks_are_computed_in_integers_throughout(tmp_path: Path) -> None:
    network = untrained("resnet-20")
    data = noise_data(network)
    of = compress(network, Recipe(steps=STEPS["w8a8"]), data)
    path, x, step = tmp_path / "network.onnx", data.test.inputs(), output_step(of)

    assert write(of, path).floats == ()
    gap = float((open_file(path, of)(x) - preview(of, x)).abs().max())
    assert step is not None and gap < 0.001 * step


def test_float_layers_keep_their_weights_where_activations_are_rounded(tmp_path: Path) -> None:
    # A clamp parts them: ONNX Runtime would round these weights to 8 bits of its own choice.
    path = tmp_path / "network.onnx"
    write(compressed(LENET_5, "w4a8 codebook"), path)

    nodes = {node.output[0]: node for node in onnx.load(path).graph.node}
    layers = [node for node in nodes.values() if node.op_type in ("Conv", "Gemm")]
    assert [nodes[layer.input[0]].op_type for layer in layers] == ["Clip"] * 5


def test_inputs_of_any_value_are_rounded_as_in_the_preview(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = from_module(nn.Sequential(nn.Conv2d(3, 4, 1)), (3, 64, 64), ("a",), "one")
    eight = Quantize(weight_bits=8, activation_bits=8)
    of = compress(network, Recipe(steps=(eight,)), noise_data(network))
    write(of, tmp_path / "one.onnx")
    x = noise(network, 60)  # 737,280 values
    with torch.inference_mode():
        assert torch.equal(open_file(tmp_path / "one.onnx", of)(x), of.module(x))
