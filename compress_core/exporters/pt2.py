"""PyTorch's own .pt2: the exported graph with integer codes, run by torch without our code."""

from pathlib import Path

import torch
from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.exporters.quiet import quiet
from compress_core.exporters.target import Runner, Written
from compress_core.exporters.words import code_bits, stored
from compress_core.network import example
from compress_core.ship import ship

KEPT = ("val", "tensor_meta")
"""Of what is noted at a node, what the graph needs; the rest are stack traces."""


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as one .pt2 file for any batch size."""
    # Two zeros: examples are saved along with the graph, so they should be small.
    x = example(compressed.network, 2)
    with quiet():
        batch = {0: torch.export.Dim.DYNAMIC}
        program = torch.export.export(
            ship(compressed, compressed.weight_grids), (x,), dynamic_shapes=(batch,)
        )
        for node in program.graph.nodes:
            node.meta = {name: node.meta[name] for name in KEPT if name in node.meta}
        torch.export.save(program, path)
    return Written(
        weights=stored(compressed, lambda name: code_bits(compressed.weight_grids.get(name))),
        arithmetic="32 bit floats",
        rounds=bool(compressed.activation_grids),
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the file in PyTorch."""
    with quiet():
        module = torch.export.load(path).module()

    def run(x: Tensor) -> Tensor:
        with torch.inference_mode():
            answer: Tensor = module(x)
        return answer

    return run
