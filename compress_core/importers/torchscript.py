"""
TorchScript archives (.pt): inspected as text, then turned into an exported program by torch.

Loading one runs code in the archive (in TorchScript's own language, which knows no imports but
some operators that read and write files), so this happens in a confined process only, and files
that name such operators are refused before.
"""

import re
import warnings
from pathlib import Path

import torch
from torch import Tensor

from compress_core.importers.archive import open_archive, shown
from compress_core.importers.pt2 import Program, read
from compress_core.refusal import IntakeError

FOREIGN = re.compile(rb"\bops\.(?!prim\b|aten\b|inductor\b)(\w+)")
"""Calls of operators that do not belong to torch."""
REACHING_OUT = re.compile(
    rb"\b(?:torch|aten|ops\.aten)\.(from_file|save|_save|load|_load\w*|exit|system|file\w*)\s*\("
)
CLASSES = re.compile(rb"__torch__\.torch\.classes\.(\w+)")


def inspect(path: Path) -> None:
    """Raise IntakeError for an archive that reaches beyond the operators of torch."""
    with open_archive(path) as archive:
        for name in archive.names:
            if not name.endswith((".py", ".pkl")):
                continue
            text = archive.read(name)
            for pattern in (FOREIGN, REACHING_OUT, CLASSES):
                if found := pattern.search(text):
                    raise IntakeError(
                        f"This TorchScript file calls {shown(found[1].decode())}, which is not one "
                        "of PyTorch's own computing operators; it was not opened."
                    )


def load(path: Path) -> torch.jit.ScriptModule:
    """Load an inspected archive; in a confined process only."""
    try:
        # Torch says that TorchScript is deprecated; files of it are brought all the same.
        with warnings.catch_warnings(action="ignore"):
            module: torch.jit.ScriptModule = torch.jit.load(str(path), map_location="cpu")
        return module.eval()
    except Exception as error:
        raise IntakeError(f"This TorchScript file cannot be loaded: {_short(error)}.") from error


def traced_shape(path: Path) -> tuple[int, ...] | None:
    """Return the shape of the example that an archive was traced with, if it says so."""
    with open_archive(path) as archive:
        if "traced_inputs.pkl" not in archive.entries:
            return None
        text = archive.read("traced_inputs.pkl")
    return _shape_in(text)


def export(module: torch.jit.ScriptModule, x: Tensor, path: Path) -> Program:
    """Write *module* as an exported program to *path* and read it; raises IntakeError."""
    from torch._export.converter import TS2EPConverter

    try:
        with warnings.catch_warnings(action="ignore"):
            program = TS2EPConverter(module, (x,), {}).convert()
            torch.export.save(program, path)
    except Exception as error:
        raise IntakeError(
            f"This TorchScript file cannot be read as one fixed graph: {_short(error)}. Trace it "
            "(torch.jit.trace) or write it with torch.onnx.export."
        ) from error
    return read(path)


def _shape_in(text: bytes) -> tuple[int, ...] | None:
    """
    Return the sizes of the one tensor that a pickle describes, without unpickling it.

    They are the first tuple of small numbers after the persistent id of its storage (BINPERSID).
    """
    import pickletools

    numbers: list[int] = []
    seen = False
    try:
        for opcode, argument, _ in pickletools.genops(text):
            if opcode.name == "BINPERSID":
                if seen:
                    return None  # several inputs
                seen, numbers = True, []
            elif opcode.name.startswith("BININT") and isinstance(argument, int):
                numbers.append(argument)
            elif opcode.name.startswith("TUPLE") and seen and len(numbers) > 1:
                break
    except Exception:
        return None
    # Offset of the storage, then the sizes.
    sizes = tuple(numbers[1:])
    return sizes[1:] if len(sizes) > 1 and all(0 < n < 1 << 20 for n in sizes) else None


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text[:200].rstrip(".")
