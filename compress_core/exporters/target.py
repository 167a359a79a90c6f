"""What an export target is: what it needs, how it writes a file and how it runs that file."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.fold import moments
from compress_core.grids import LinearGrid

Runner = Callable[[Tensor], Tensor]
"""Inputs of any batch size -> answers, computed by the file in its own runtime on one thread."""


class ExportError(ValueError):
    """A network that a target cannot take, or a runtime that is missing; says what would do."""


MOST_MOMENTS = 64
"""So many can be written down one after the other, where a target has no loop."""


def check_moments(compressed: Compressed, title: str) -> None:
    """Raise ExportError where the memory of a network goes through more moments than that."""
    count = moments(compressed.network.module, compressed.network.input_shape)
    if count > MOST_MOMENTS:
        raise ExportError(
            f"{title} has no loop over time: each of the {count} moments that this network's "
            f"memory goes through would be written down by itself, and {MOST_MOMENTS} are the most "
            "that this is sensible for; use ONNX or ExecuTorch."
        )


def check_even_steps(compressed: Compressed, title: str) -> None:
    """Raise ExportError where activations are rounded to powers of two."""
    if not all(isinstance(grid, LinearGrid) for grid in compressed.activation_grids.values()):
        raise ExportError(
            f"{title} has no operator that rounds activations to powers of two; "
            "use the linear grid for activations."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was put into a file, in words for a person."""

    weights: str
    """How weights are stored: `8 bit integers`."""
    arithmetic: str
    """What the runtime computes in: `8 bit integers`, `32 bit floats`."""
    rounds: bool = False
    """Whether activations are rounded in the file."""
    floats: tuple[str, ...] = ()
    """Operators that compute in float although integers were asked for."""
    remark: str = ""
    """What of the recipe this format cannot hold, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A format with the runtime that its files are run in before they are offered."""

    name: str
    title: str
    suffix: str
    runtime: str
    package: str
    """The distribution whose version the proof names."""
    needs: tuple[str, ...]
    """Modules that must be installed."""
    remedy: str
    """How to get them."""
    write: Callable[[Compressed, Path], Written]
    open: Callable[[Path, Compressed], Runner] | None
    """Returns a runner of the file alone; None where the runtime does not exist on this system."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The needed modules that are not installed."""
        return tuple(name for name in self.needs if find_spec(name) is None)

    @property
    def available(self) -> bool:
        """Whether a file can be written here."""
        return not self.missing

    def __repr__(self) -> str:
        return f"Target({self.name})"
