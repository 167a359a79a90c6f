"""The packed file, .fit: the smallest, for keeping and sending; unpacked and run by PyTorch."""

from pathlib import Path

import torch
from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.exporters.target import Runner, Written
from compress_core.fit_file import load_fit, save_fit


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as one .fit file."""
    length = save_fit(compressed, path)
    return Written(
        weights=f"entropy-coded, {8 * length / compressed.network.parameters:.2f} bits a parameter",
        arithmetic="32 bit floats",
        rounds=bool(compressed.activation_grids),
        remark="It is unpacked to be used; this app and `load_fit` do so, also with raw samples.",
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the network in the file, in PyTorch."""
    module = load_fit(path).module

    def run(x: Tensor) -> Tensor:
        with torch.inference_mode():
            answer: Tensor = module(x)
        return answer

    return run
