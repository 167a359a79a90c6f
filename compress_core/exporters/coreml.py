"""Core ML: an .mlpackage in a zip, with int8 codes; written anywhere, run on macOS only."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

import torch
from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.exporters.quiet import quiet
from compress_core.exporters.target import Runner, Written, check_even_steps, check_moments
from compress_core.exporters.words import stored
from compress_core.grids import Grid, LinearGrid
from compress_core.recurrence import loop
from compress_core.ship import ship

PACKAGE = "model.mlpackage"
PARTS = ("Manifest.json", "model.mlmodel", "weight.bin")


def write(compressed: Compressed, path: Path) -> Written:
    """Write *compressed* as a zip of the folder that Core ML loads, not compressed further."""
    check_moments(compressed, "Core ML")
    check_even_steps(compressed, "Core ML")
    coded = _coded(compressed.weight_grids)
    with TemporaryDirectory() as folder, quiet():
        _convert(compressed, coded, Path(folder) / PACKAGE)
        with ZipFile(path, "w") as archive:
            for part in sorted(Path(folder).rglob("*")):
                # What else is there serves to debug the converter, and is larger than the graph.
                if part.is_file() and part.name in PARTS:
                    name = part.relative_to(folder).as_posix()
                    archive.writestr(ZipInfo(name), part.read_bytes())
    return Written(
        weights=stored(compressed, lambda name: 8 if name in coded else 16, 16),
        arithmetic="16 bit floats",
        rounds=bool(compressed.activation_grids),
    )


def open_file(path: Path, compressed: Compressed) -> Runner:
    """Return a runner of the file in Core ML, sample by sample, on the processor."""
    tools = import_module("coremltools")
    with TemporaryDirectory() as folder, quiet():
        ZipFile(path).extractall(folder)
        units = tools.ComputeUnit.CPU_ONLY
        model = tools.models.MLModel(str(Path(folder) / PACKAGE), compute_units=units)

    def run(x: Tensor) -> Tensor:
        answers = [next(iter(model.predict({"input": s.numpy()}).values())) for s in x.split(1)]
        return torch.cat([torch.as_tensor(answer) for answer in answers])

    return run


def _coded(grids: Mapping[str, Grid]) -> tuple[str, ...]:
    """Return the layers whose codes Core ML keeps: even steps of at most 8 bits by output."""
    return tuple(
        name
        for name, grid in grids.items()
        if isinstance(grid, LinearGrid) and grid.bits <= 8 and grid.group_size is None
    )


def _convert(compressed: Compressed, coded: tuple[str, ...], path: Path) -> None:
    tools = import_module("coremltools")
    shape = (1, *compressed.network.input_shape)
    program = torch.export.export(ship(compressed, coded, loop), (torch.zeros(shape),))
    model = tools.convert(
        program.run_decompositions({}),
        inputs=[tools.TensorType(name="input", shape=shape)],
        convert_to="mlprogram",
        minimum_deployment_target=tools.target.iOS17,
        skip_model_load=True,
    )
    model.save(str(path))
