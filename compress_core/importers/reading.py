"""
What happens in the confined process: a file of a foreign format becomes structure and weights.

    python -m compress_core.importers.reading FOLDER FILE FORMAT NAME INPUT_SHAPE
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, fx, nn

from compress_core.handover import hand_over
from compress_core.importers.agreement import (
    TOLERANCE,
    check_agreement,
    check_batches,
    check_finite,
    samples,
)
from compress_core.network import from_graph, from_module
from compress_core.refusal import IntakeError, NeedsArchitecture, NeedsShape
from compress_core.sandbox import confine, refuse

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """What was read from a file."""

    module: fx.GraphModule
    input_shape: Shape
    run: Callable[[Tensor], Tensor]
    """The source itself."""
    batch: int
    """Samples that the source takes at once."""
    tokens: int | None = None
    """Whole numbers that it reads are below this."""
    tolerance: float = TOLERANCE


def read(path: Path, kind: str, input_shape: Shape | None, folder: Path) -> Found:
    """Return what is in a file of a known format; raises IntakeError."""
    return READERS[kind](path, input_shape, folder)


def _read_onnx(path: Path, input_shape: Shape | None, folder: Path) -> Found:
    from compress_core.importers import onnx

    model = onnx.read(path, folder)
    shape, batch = chosen_shape(model.sizes, input_shape)
    module = onnx.build(model, shape)
    return Found(
        module=module,
        input_shape=shape,
        run=onnx.runner(model),
        batch=batch or 2,
        tokens=tokens_of(module) if model.whole else None,
    )


def _read_pt2(path: Path, input_shape: Shape | None, folder: Path) -> Found:
    from compress_core.importers import exported, pt2

    program = pt2.read(path)
    shape, batch = chosen_shape(program.sizes, input_shape)
    module = exported.build(program, shape)
    half = any(t.dtype in (torch.float16, torch.bfloat16) for t in program.tensors.values())
    return Found(
        module=module,
        input_shape=shape,
        run=lambda x: exported.run(program, x),
        batch=batch or 2,
        tokens=None if program.dtype.is_floating_point else tokens_of(module),
        tolerance=2e-2 if half else TOLERANCE,
    )


def _read_torchscript(path: Path, input_shape: Shape | None, folder: Path) -> Found:
    from compress_core.importers import exported, torchscript

    torchscript.inspect(path)
    shape = input_shape or torchscript.traced_shape(path)
    if shape is None:
        raise NeedsShape(
            "This TorchScript file does not say what shape its input has; give it, for example "
            "3 x 224 x 224."
        )
    module = torchscript.load(path)
    refusal: Exception = IntakeError("This TorchScript file cannot be run.")
    for kind in (torch.float32, torch.int64):
        try:
            with torch.inference_mode():
                module(torch.zeros(2, *shape, dtype=kind))
        except Exception as error:
            refusal = refusal if kind is torch.int64 else error
            continue
        x = torch.zeros(2, *shape, dtype=kind)
        program = torchscript.export(module, x, folder / "program.pt2")
        built = exported.build(program, shape)
        whole = kind is torch.int64

        def run(x: Tensor, kind: torch.dtype = kind) -> Tensor:
            answer = module(x.to(kind))
            first: Tensor = answer[0] if isinstance(answer, tuple | list) else answer
            return first.float()

        return Found(module=built, input_shape=shape, run=run, batch=2,
                     tokens=tokens_of(built) if whole else None)  # fmt: skip
    lines = str(refusal).strip().splitlines()
    raise IntakeError(
        f"This network does not take samples of shape {shape}: {lines[-1] if lines else refusal}"
    )


def _read_weights(path: Path, input_shape: Shape | None, kind: str) -> Found:
    from compress_core.importers import known, state_dict

    tensors = state_dict.read_tensors(path, kind)
    architecture = known.recognise({name: tuple(t.shape) for name, t in tensors.items()})
    if architecture is None:
        absent = known.missing_packages()
        more = f" ({' and '.join(absent)} are not installed here)" if absent else ""
        raise NeedsArchitecture(
            "This file holds weights alone, and their names and shapes fit no architecture known "
            f"here{more}; bring the network as ONNX, TorchScript or an exported program."
        )
    source = known.fill(architecture.build, tensors)
    check_finite(source)
    shape = input_shape or architecture.input_shape
    network = from_module(source, shape, (), path.stem)
    return Found(module=network.module, input_shape=shape, run=source, batch=2)


READERS: dict[str, Callable[[Path, Shape | None, Path], Found]] = {
    "onnx": _read_onnx,
    "pt2": _read_pt2,
    "torchscript": _read_torchscript,
    "safetensors": lambda path, shape, folder: _read_weights(path, shape, "safetensors"),
    "state_dict": lambda path, shape, folder: _read_weights(path, shape, "state_dict"),
}


def chosen_shape(sizes: tuple[int | None, ...], given: Shape | None) -> tuple[Shape, int | None]:
    """Return the shape of one sample and the batch, where the file fixes it; raises IntakeError."""
    if not sizes:
        raise NeedsShape("This network takes a single number, or does not say what it takes.")
    batch, *rest = sizes
    if given is not None:
        fits = len(given) == len(rest) and all(
            a in (None, b) for a, b in zip(rest, given, strict=True)
        )
        if not fits:
            shown = " x ".join("free" if n is None else str(n) for n in rest)
            raise IntakeError(
                f"This network takes samples of shape {shown or 'one number'}, not "
                f"{' x '.join(map(str, given))}."
            )
        return given, batch
    if any(n is None for n in rest):
        shown = " x ".join("free" if n is None else str(n) for n in rest)
        raise NeedsShape(
            f"This network takes samples of shape {shown}; say which sizes yours have."
        )
    shape = tuple(n for n in rest if n is not None)
    if any(n < 1 or n > 1 << 24 for n in shape):
        raise IntakeError(f"The input shape {shape} of this network is absurd.")
    return shape, batch


def tokens_of(module: fx.GraphModule) -> int:
    """Return how many rows the smallest embedding has; whole numbers that it reads are below."""
    rows = [m.num_embeddings for m in module.modules() if isinstance(m, nn.Embedding)]
    return min(rows, default=2)


def check(found: Found) -> None:
    """Raise IntakeError unless *found* computes what its file does, with numbers."""
    check_finite(found.module)
    x = samples(found.batch, found.input_shape, found.tokens)
    check_agreement(found.module, x, found.run, found.tolerance)
    check_batches(found.module, samples(2, found.input_shape, found.tokens))


@contextmanager
def sentences(folder: Path) -> Iterator[None]:
    """Write what refuses a file into *folder*, and end with it."""
    try:
        yield
    except IntakeError as error:
        refuse(folder, error)
    except MemoryError:
        refuse(folder, IntakeError("This network needs more memory than reading a file may take."))
    except RecursionError:
        refuse(folder, IntakeError("This file is nested too deeply to be a network."))
    except Exception as error:
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        refuse(folder, IntakeError(f"This file cannot be read as a network: {reason}."))


def main() -> None:
    """Read the file that the command line names and write what was found into the folder."""
    folder, path, kind, name, shape = sys.argv[1:]
    with sentences(Path(folder)):
        confine()
        torch.set_num_threads(1)
        found = read(Path(path), kind, _shape(shape), Path(folder))
        check(found)
        with torch.inference_mode():
            classes = found.module(samples(1, found.input_shape, found.tokens)).shape[-1]
        labels = tuple(str(i) for i in range(classes))
        hand_over(from_graph(found.module, found.input_shape, labels, name), Path(folder))


def _shape(text: str) -> Shape | None:
    value = json.loads(text)
    return None if value is None else tuple(value)


if __name__ == "__main__":
    main()
