"""NumPy arrays, one alone or several in an .npz: read row by row, never unpickled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Choices, Question
from compress_core.intake.limits import MOST_SAMPLE
from compress_core.intake.listing import (
    NONE,
    PART_NAMES,
    Array,
    Listing,
    encode,
    encode_groups,
)
from compress_core.intake.pictures import resized
from compress_core.intake.stored import (
    IN_MEMORY,
    NUMBERS,
    Stored,
    open_array,
    read_rows,
    read_whole,
)
from compress_core.intake.tree import Tree
from compress_core.intake.wanted import Wanted, shown
from compress_core.refusal import IntakeError

_X = ("x", "data", "images", "image", "features", "inputs", "input", "samples", "signals")
_Y = ("y", "labels", "label", "targets", "target", "classes", "class")
_GROUPS = ("group", "groups", "subject", "person", "patient", "speaker", "prompt", "user")


@dataclass(frozen=True, slots=True)
class Block:
    """Samples that lie in one array, their classes and groups if any, and the part they are in."""

    part: int
    x: Stored
    y: Stored | None
    group: Stored | None


def list_arrays(tree: Tree, wanted: Wanted, choices: Choices) -> Listing:
    """List the samples of an .npy or .npz."""
    arrays = {
        a.name: a for a in (open_array(tree, entry.name, entry.size) for entry in tree.entries)
    }
    blocks, question = _blocks(arrays, wanted, choices)
    for block in blocks:
        _check(block, wanted)
    counts = [block.x.shape[0] for block in blocks]
    classes: list[str | None] = []
    groups: list[str] = []
    for block, count in zip(blocks, counts, strict=True):
        classes += _labels(tree, block.y) if block.y else [None] * count
        groups += [str(v) for v in read_whole(tree, block.group).tolist()] if block.group else []
    codes, names = encode(classes)
    refused = {
        i: "its class is no whole number or is missing"
        for i, name in enumerate(classes)
        if names and name is None
    }
    grouped = len(groups) == len(classes) and bool(groups)
    return Listing(
        kind="arrays",
        names=lambda number: f"sample {number + 1:,}",
        classes=codes,
        class_names=names,
        parts=np.repeat([block.part for block in blocks], counts).astype(np.int32),
        groups=encode_groups(groups) if grouped else None,
        grouped_by=blocks[0].group.name if grouped and blocks[0].group else "",
        dtype=_stored_dtype(blocks, wanted),
        read=_Rows(tree, blocks, wanted, choices),
        refused=refused,
        notes=tuple(_notes(blocks, wanted, arrays)),
        questions=(question,) if question else (),
    )


def _blocks(
    arrays: dict[str, Stored], wanted: Wanted, choices: Choices
) -> tuple[list[Block], Question | None]:
    """Return which arrays hold samples and classes, of each part where there are several."""
    if choices.sample and choices.sample not in arrays:
        raise IntakeError(f"There is no array {choices.sample!r}; there are {', '.join(arrays)}.")
    by_part: dict[int, dict[str, Stored]] = {}
    for name, array in arrays.items():
        base, part = _without_part(name.lower())
        by_part.setdefault(part, {})[base] = array
    # x_train beside y_train; a single x is all there is.
    named = [part for part, found in by_part.items() if part != NONE and _pick(found, _X)]
    blocks = []
    for part in sorted(named) or [NONE]:
        found = by_part.get(part, {})
        x = arrays[choices.sample] if choices.sample else _pick(found, _X)
        x = x or _fits(found, wanted)
        y = _chosen(arrays, choices.label) or (None if choices.label == "" else _pick(found, _Y))
        if choices.label is None and y is None and len(found) == 2:
            y = next((a for a in found.values() if a is not x and len(a.shape) <= 2), None)
        group = _chosen(arrays, choices.group)
        if choices.group is None:
            group = _pick(found, _GROUPS)
        if x is not None:
            blocks.append(Block(part, x, y, group))
    if not blocks:
        listed = ", ".join(f"{a.name} ({shown(a.shape) or 'one value'})" for a in arrays.values())
        raise IntakeError(
            f"None of the arrays holds samples of {shown(wanted.shape)}: there are {listed[:500]}. "
            "Save them as x, and their classes as y."
        )
    beside = [a.name for a in arrays.values() if len(a.shape) == 1 and a is not blocks[0].group]
    if blocks[0].y is None and choices.label is None and beside:
        text = "Which array holds the classes?"
        return blocks, Question(topic="label", text=text, options=tuple(beside))
    return blocks, None


def _without_part(name: str) -> tuple[str, int]:
    """x_train -> x, 0; testX -> x, 2; images -> images, NONE."""
    for word, part in sorted(PART_NAMES.items(), key=lambda item: -len(item[0])):
        for base in (name.removesuffix(word), name.removeprefix(word)):
            if base != name and base.strip("_-."):
                return base.strip("_-."), part
    return name, NONE


def _pick(found: dict[str, Stored], names: Sequence[str]) -> Stored | None:
    return next((found[name] for name in names if name in found), None)


def _chosen(arrays: dict[str, Stored], name: str | None) -> Stored | None:
    if name and name not in arrays:
        raise IntakeError(f"There is no array {name!r}; there are {', '.join(arrays)}.")
    return arrays[name] if name else None


def _fits(found: dict[str, Stored], wanted: Wanted) -> Stored | None:
    return next((a for a in found.values() if prod(a.shape[1:]) == wanted.size and a.shape), None)


def _check(block: Block, wanted: Wanted) -> None:
    x = block.x
    if x.dtype.kind not in NUMBERS:
        raise IntakeError(f"{x.name} holds {x.dtype}, no numbers that a network can read.")
    if not x.shape or prod(x.shape[1:]) * x.dtype.itemsize > MOST_SAMPLE:
        raise IntakeError(
            f"{x.name} has the shape {shown(x.shape)}; the first axis counts samples."
        )
    if _arranged(x, wanted) is None:
        raise IntakeError(
            f"A sample of {x.name} is {shown(x.shape[1:]) or 'one value'}; the network reads "
            f"{shown(wanted.shape)}."
        )
    if x.fortran and len(x.shape) > 1 and prod(x.shape) * x.dtype.itemsize > IN_MEMORY:
        raise IntakeError(f"{x.name} is stored column by column; save numpy.ascontiguousarray(x).")
    for other in (block.y, block.group):
        if other and (not other.shape or other.shape[0] != x.shape[0]):
            raise IntakeError(
                f"{x.name} holds {x.shape[0]:,} samples, but {other.name} has the shape "
                f"{shown(other.shape) or 'of one value'}."
            )
        if other and prod(other.shape) * other.dtype.itemsize > IN_MEMORY:
            raise IntakeError(f"{other.name} is too large to hold one value for each sample.")


def _arranged(x: Stored, wanted: Wanted) -> str | None:
    """Return how a sample becomes the wanted shape, or None."""
    sample = x.shape[1:]
    if sample == wanted.shape:
        return "as it is"
    if wanted.picture:
        channels, height, width = wanted.shape
        if sample == (height, width, channels) or (channels == 1 and sample == (height, width)):
            return "turned"
        if x.dtype == np.uint8 and len(sample) in (2, 3) and min(sample) > 0:
            if len(sample) == 2 or sample[-1] in (1, 3, 4):
                return "turned, resized"
            if sample[0] in (1, 3, 4):
                return "resized"
    if prod(sample) == wanted.size and (len(sample) == 1 or len(wanted.shape) == 1):
        return "reshaped"
    if sample[::-1] == wanted.shape and len(sample) == 2:
        return "turned"
    return None


def _stored_dtype(blocks: list[Block], wanted: Wanted) -> str:
    found = np.result_type(*(block.x.dtype for block in blocks))
    if wanted.tokens is not None and found.kind in "ui":
        return "int32"
    if found == np.bool_:
        return "uint8"
    return found.name if found.name in ("uint8", "int16") else "float32"


def _labels(tree: Tree, y: Stored) -> list[str | None]:
    """Return the class of each sample: whole numbers, texts, or the 1 of a row of zeros."""
    values = read_whole(tree, y)
    if values.ndim == 2 and values.shape[1] > 1:
        if values.dtype.kind not in NUMBERS:
            raise IntakeError(f"{y.name} has the shape {shown(y.shape)}; use one class a sample.")
        # One-hot, or probabilities: the largest is meant.
        return [str(int(row.argmax())) if np.isfinite(row).all() else None for row in values]
    if values.ndim > 2:
        raise IntakeError(f"{y.name} has the shape {shown(y.shape)}; use one class a sample.")
    flat = values.reshape(-1)
    if flat.dtype.kind in "SU":
        texts = flat.astype(str) if flat.dtype.kind == "U" else np.char.decode(flat, "latin-1")
        return [str(text).strip()[:200] or None for text in texts]
    if flat.dtype.kind not in NUMBERS:
        raise IntakeError(f"{y.name} holds {y.dtype}; use whole numbers or texts as classes.")
    return [str(int(v)) if np.isfinite(v) and v == int(v) else None for v in flat.tolist()]


class _Rows:
    """Reads samples in their order from one array after the other."""

    def __init__(self, tree: Tree, blocks: list[Block], wanted: Wanted, choices: Choices) -> None:
        self.tree, self.blocks, self.wanted, self.choices = tree, blocks, wanted, choices
        self.dtype = np.dtype(_stored_dtype(blocks, wanted))

    def __call__(self, chosen: NDArray[np.int64]) -> Iterator[tuple[int, Array | str]]:
        first = 0
        for block in self.blocks:
            count = block.x.shape[0]
            numbers = chosen[(chosen >= first) & (chosen < first + count)]
            how = _arranged(block.x, self.wanted)
            assert how is not None
            for number, values in zip(
                numbers.tolist(), read_rows(self.tree, block.x, numbers - first), strict=True
            ):
                yield number, self._fitted(values, how)
            first += count

    def _fitted(self, values: NDArray[Any], how: str) -> Array | str:
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            return "some of its values are no numbers (NaN or infinite)"
        if how.startswith("turned"):
            values = values[..., None] if values.ndim == 2 and self.wanted.picture else values
            values = values.transpose(2, 0, 1) if values.ndim == 3 else values.T
        if how.endswith("resized"):
            return resized(np.ascontiguousarray(values), self.wanted, self.choices)
        with np.errstate(over="ignore"):
            stored = values.astype(self.dtype).reshape(self.wanted.shape)
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            return "some of its values are too large"
        return np.ascontiguousarray(stored)


def _notes(blocks: list[Block], wanted: Wanted, arrays: dict[str, Stored]) -> Iterator[str]:
    used = {a.name for b in blocks for a in (b.x, b.y, b.group) if a}
    if unread := sorted(set(arrays) - used):
        yield f"Not read: array {', '.join(map(repr, unread[:5]))}."
    if "resized" in (_arranged(blocks[0].x, wanted) or ""):
        yield f"Pictures of {shown(blocks[0].x.shape[1:])} are resized."
