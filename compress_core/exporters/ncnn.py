"""ncnn, by way of pnnx: weights as 16 bit floats; .param and .bin in one zip, run in ncnn."""

# mypy: disable-error-code="import-untyped"
# (ncnn and pnnx have no annotations)

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import torch
from torch import Tensor, fx

from compress_core.compressed import Compressed
from compress_core.duplicate import duplicate
from compress_core.exporters.quiet import quiet
from compress_core.exporters.target import ExportError, Runner, Written
from compress_core.fold import fold
from compress_core.network import example, reads_tokens

PARTS = ("model.ncnn.param", "model.ncnn.bin")
PATIENCE = 300
"""Seconds that a conversion may take."""


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as a zip of the two files that ncnn loads, not compressed further."""
    with TemporaryDirectory() as folder:
        _convert(compressed, Path(folder))
        with ZipFile(path, "w") as archive:
            for part in PARTS:
                # A fixed date: equal networks make equal files.
                archive.writestr(ZipInfo(part), (Path(folder) / part).read_bytes())
    rounded = bool(compressed.activation_grids)
    return Written(
        weights="16 bit floats",
        arithmetic="floats",
        remark="Activations are not rounded here: ncnn keeps them in floats." if rounded else "",
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the file in ncnn, sample by sample, on one thread."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    with TemporaryDirectory() as folder, quiet():
        with ZipFile(path) as archive:
            param, weights = (archive.extract(part, folder) for part in PARTS)
        if net.load_param(param) or net.load_model(weights):
            raise ExportError(f"ncnn cannot load {path.name}.")

    def run(x: Tensor) -> Tensor:
        return torch.from_numpy(np.stack([_answer(net, sample) for sample in x.numpy()]))

    return run


def _answer(net: Any, sample: Any) -> Any:
    import ncnn

    extractor = net.create_extractor()
    # ncnn reads the array's memory, so the array must stay alive until the answer is there.
    sample = sample.astype(np.int32) if sample.dtype == np.int64 else sample
    extractor.input("in0", ncnn.Mat(sample))
    _, answer = extractor.extract("out0")
    # Where ncnn keeps the axis of the batch, it is of length one.
    return np.array(answer).reshape(-1)


def _convert(compressed: Compressed, folder: Path) -> None:
    """Let pnnx write the parts; it makes files of other kinds as well, which nobody needs."""
    import pnnx

    x = example(compressed.network)
    shape = f"{list(x.shape)}{'' if x.is_floating_point() else 'i64'}".replace(" ", "")
    with quiet():
        traced = torch.jit.trace(_plain(compressed), x)
        traced.save(str(folder / "model.pt"))
    said = subprocess.run(
        [pnnx.EXEC_PATH, "model.pt", f"inputshape={shape}", "fp16=1"],
        cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    if said.returncode or not all((folder / part).is_file() for part in PARTS):
        last = (said.stderr.strip() or said.stdout.strip() or "no message").splitlines()[-1]
        raise ExportError(f"pnnx cannot convert this network to ncnn: {last}")


def _plain(compressed: Compressed) -> torch.nn.Module:
    """Return the network with its shipped weights and no rounding of activations."""
    module = duplicate(compressed.network.module)
    for name in compressed.layer_names:
        weight = module.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        weight.copy_(compressed.weight(name))
    _take_tokens(module)
    # ncnn has memory of its own; moment by moment, every moment would hold all weights anew.
    return fold(module).eval()


def _take_tokens(module: fx.GraphModule) -> None:
    """Let numbers of words in as they are (in place): ncnn has whole numbers, but no cast."""
    if not reads_tokens(module):
        return
    for node in [node for node in module.graph.nodes if node.op == "placeholder"]:
        for cast in list(node.users):
            cast.replace_all_uses_with(node)
            module.graph.erase_node(cast)
    module.recompile()
