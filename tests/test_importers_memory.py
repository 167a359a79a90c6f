"""A large network is read without holding it twice: private memory of app and reader together."""

import subprocess
import sys
from pathlib import Path
from select import select

import numpy as np
import onnx
import psutil  # type: ignore[import-untyped]
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from tests import foreign
from tests.browser import ROOT

MOST = 1.6
"""Bytes of private memory for one byte of the file; one copy, and room for the allocator."""
LAYERS = 18
APP = """
import sys
from compress_core.importers.load_network import load_network
for line in sys.stdin:
    network = load_network(line.strip())
    print(len(network.layers), flush=True)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="needs Linux to tell private memory"
)


def torchscript(path: Path, width: int) -> Path:
    layers = [nn.Linear(width, width) for _ in range(LAYERS)]
    return foreign.write(nn.Sequential(*layers).eval(), torch.zeros(2, width), path, "torchscript")


def products(path: Path, width: int) -> Path:
    """Write an ONNX file whose weights lie the other way round than layers hold them."""
    generator = np.random.default_rng(0)
    weights = [generator.standard_normal((width, width), np.float32) / width for _ in range(LAYERS)]
    tensors = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(LAYERS)]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", width])
        for n in ("x0", f"x{LAYERS}")
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], tensors)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


def private(process: psutil.Process) -> int:
    """Return the bytes that a process and its children share with no file and nobody else."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            lines = Path(f"/proc/{one.pid}/status").read_text(encoding="ascii").splitlines()
        except OSError:
            continue  # it has ended
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
    return total


@pytest.mark.parametrize("write", [products, pytest.param(torchscript, marks=pytest.mark.slow)])
def test_a_large_network_is_not_held_twice(write, tmp_path: Path) -> None:  # type: ignore
    small, large = write(tmp_path / "small", 16), write(tmp_path / "large", 1024)
    command = [sys.executable, "-c", APP]
    peaks = []
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as app:
        assert app.stdin and app.stdout
        # Twice the small one: the first loads what the app needs for any network.
        for path in (small, small, large):
            app.stdin.write(f"{path}\n")
            app.stdin.flush()
            peak = 0
            while not select([app.stdout], [], [], 0.005)[0]:
                peak = max(peak, private(psutil.Process(app.pid)))
            assert app.stdout.readline() == f"{LAYERS}\n"
            peaks.append(peak)
        app.stdin.close()
    assert peaks[2] - peaks[1] <= MOST * large.stat().st_size
