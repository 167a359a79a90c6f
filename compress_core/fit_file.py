"""
The packed file, `.fit`: a compressed network with all that is needed to run it, and nothing else.

It describes the graph, the grids and the recipe (`_describe`), then come the arrays that this
announces, entropy-coded (`codec`), all in an `envelope`. It is read without running anything that
it contains: layers and functions come from a vocabulary.

What is added to the description later may be missing and then has a default, so that files of one
version are read by every app of that version; what changes a meaning needs a new version.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite, prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from compress_core.ans import Array
from compress_core.codec import Packed, pack, unpack
from compress_core.compressed import Compressed
from compress_core.data import Part
from compress_core.effort import check_effort
from compress_core.envelope import check, seal, split
from compress_core.grids import Grid
from compress_core.network import from_graph, layer_weight
from compress_core.packed import (
    activation_grids,
    describe_grid,
    layout,
    restore_grid,
    restore_weight,
    stored_arrays,
)
from compress_core.recipe import Recipe
from compress_core.structure import describe, rebuild, stored_tensors

VALUES_PER_BYTE = 4096
FEW_VALUES = 1 << 22
"""A file may announce so many values, or so many for each of its bytes; more is no network."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit(Compressed):
    """
    A compressed network that came from a file.

    Its original is not in the file: *original* is the network as it is, and masks are where
    weights are not zero.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What whoever saved it added, as JSON."""

    def answer(self, raw: Tensor) -> Tensor:
        """Return the outputs (N x classes) for raw samples (N x input shape, bytes for pixels)."""
        unknown, known = torch.zeros(len(raw), dtype=torch.int64), self.network
        part = Part(name="test", x=raw, y=unknown, mean=known.mean, std=known.std)
        with torch.inference_mode():
            answers: Tensor = self.module(part.inputs())
        return answers


def save_fit(
    compressed: Compressed, path: str | Path, metadata: Mapping[str, Any] | None = None
) -> int:
    """Write the packed file and return its length in bytes; *metadata* is JSON to keep with it."""
    return Path(path).write_bytes(to_bytes(compressed, metadata).data)


def load_fit(path: str | Path) -> Fit:
    """Read a packed file; raises ValueError, and says why, when it is not intact."""
    return from_bytes(Path(path).read_bytes())


def to_bytes(
    compressed: Compressed,
    metadata: Mapping[str, Any] | None = None,
    packing: Callable[[], Packed] | None = None,
) -> Packed:
    """
    Return the packed file, and the bits that each array takes of it.

    *packing* waits for what `pack` makes of its `stored_arrays`, where that is under way.
    """
    arrays, description = stored_arrays(compressed), _describe(compressed, metadata or {})
    packed = packing() if packing else pack(arrays)
    if sum(a.size for a in arrays.values()) > _most_values(len(packed.data)):
        raise ValueError("These values pack too well to be a network: nearly all are the same.")
    return Packed(seal(description, packed.data), packed.bits)


def from_bytes(data: bytes) -> Fit:
    """Return what `to_bytes` wrote; raises ValueError, and says why, for anything else."""
    body = check(data)
    try:
        return _restore(*split(body))
    except Exception as error:
        # The checksum is right, so this was made with care: any error may come of it.
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise ValueError(f"This packed file does not describe a network: {reason}.") from error


def _describe(compressed: Compressed, metadata: Mapping[str, Any]) -> dict[str, Any]:
    names, grids = compressed.layer_names, compressed.weight_grids
    scale = {"mean": compressed.original.mean, "std": compressed.original.std}
    return {
        "network": describe(compressed.network),
        "grids": {n: describe_grid(grids[n]) for n in names if n in grids},
        "activations": {n: describe_grid(g) for n, g in activation_grids(compressed).items()},
        "masked": [name for name in names if name in compressed.masks],
        "recipe": asdict(compressed.recipe),
        "metadata": dict(metadata),
        # Left out where raw samples are read as they are stored.
        **({} if scale == {"mean": 0, "std": 1} else scale),
    }


def _restore(description: dict[str, Any], data: bytes) -> Fit:
    """Return the network; raises whatever it stumbles over."""
    structure = description["network"]
    _check_texts([structure["name"], *structure["labels"], *description["masked"]])
    weights, activations = description["grids"], description["activations"]
    module = rebuild(structure)
    check_effort(module, tuple(structure["input"]))
    specs = layout(module, weights, activations)
    if sum(prod(shape) for _, shape in specs.values()) > _most_values(len(data)):
        raise ValueError("it announces more values than a file of this length can hold")
    arrays = unpack(data, specs)
    grids = {name: restore_grid(arrays, f"{name}.weight", g) for name, g in weights.items()}
    _fill(module, arrays, grids)
    network = replace(
        from_graph(
            module, tuple(structure["input"]), tuple(structure["labels"]), structure["name"]
        ),
        mean=_scale(description.get("mean", 0.0)),
        std=_scale(description.get("std", 1.0)),
    )
    return Fit(
        original=network,
        recipe=Recipe.from_json(json.dumps(description["recipe"])),
        network=network,
        masks={n: layer_weight(module, n) != 0 for n in description["masked"]},
        weight_grids=grids,
        activation_grids={n: restore_grid(arrays, n, g) for n, g in activations.items()},
        metadata=dict(description["metadata"]),
    )


def _fill(module: fx.GraphModule, arrays: Mapping[str, Array], grids: Mapping[str, Grid]) -> None:
    """Give the meta module its values."""
    values = {}
    for name, _ in stored_tensors(module):
        grid = grids.get(name.removesuffix(".weight")) if name.endswith(".weight") else None
        values[name] = restore_weight(arrays, name, grid)
    for name, value in module.state_dict().items():
        if name not in values:
            values[name] = torch.zeros(value.shape, dtype=value.dtype)
    module.load_state_dict(values, assign=True)
    module.requires_grad_(False)


def _scale(value: Any) -> float | tuple[float, ...]:
    """Return one number, or one for each channel."""
    for number in value if isinstance(value, list) else [value]:
        if type(number) not in (int, float) or not isfinite(number):
            raise ValueError(f"{number!r} is nothing to scale samples by")
    return tuple(map(float, value)) if isinstance(value, list) else float(value)


def _check_texts(texts: list[Any]) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} should be a text")


def _most_values(length: int) -> int:
    return FEW_VALUES + VALUES_PER_BYTE * length
