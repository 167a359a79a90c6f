"""Small networks and data as people bring them: a network that tells dark, grey and light apart."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.uploads import pack, shade

SHADES = {"dark": 0, "grey": 100, "light": 200}
"""Class -> its darkest picture; pictures are read as 0 to 1."""


def shades_onnx(path: Path, weight: float = 1.0) -> Path:
    """Write a network for 1 x 8 x 8 pictures that answers right; *weight* spoils it."""
    kernel = np.zeros((4, 1, 3, 3), np.float32)
    kernel[:, 0, 1, 1] = weight * np.array([1, 1, 0.5, 0.5])
    centres = np.array([20, 120, 220], np.float32) / 255
    # The nearest centre c of the mean brightness m has the largest 2cm - c².
    matrix = np.outer(2 * centres, np.array([0.25, 0.25, 0.5, 0.5])).astype(np.float32)
    tensors = {"kernel": kernel, "matrix": matrix, "bias": -(centres**2)}
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["a"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "matrix", "bias"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "shades",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def shades_zip(path: Path, each: int = 20, broken: bool = False, labels: bool = True) -> Path:
    """Write a zip of folders, or of pictures alone; one of them is *broken* if wanted."""
    files: dict[str, bytes | str] = {
        (f"{name}/{i}.png" if labels else f"{name}{i}.png"): shade(low + i)
        for name, low in SHADES.items()
        for i in range(each)
    }
    if broken:
        files["dark/torn.png" if labels else "torn.png"] = b"\x89PNG\r\n\x1a\n and no more"
    return pack(path, files)
