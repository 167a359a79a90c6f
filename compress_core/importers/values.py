"""Values of a growing graph for two batches at once, and sizes that follow the batch."""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, fx
from torch._subclasses.fake_tensor import FakeTensor

from compress_core.importers.archive import shown
from compress_core.refusal import IntakeError

FEW, MORE = 5, 7
"""Primes that hardly any fixed batch or layer has."""


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """Something computed: its node where samples matter, and what it is for two batches."""

    node: fx.Node | None
    few: Any
    more: Any

    @property
    def known(self) -> bool:
        """Whether it does not depend on the values of the samples."""
        return self.node is None


def constant(value: Any) -> Value:
    """Return a value that nothing changes: a tensor, number or list."""
    return Value(None, value, value)


def sizes_for(
    value: Value, few: list[int], more: list[int], batch: int | None
) -> tuple[list[int], list[int]]:
    """
    Return the sizes that a tensor is reshaped to, with the batch that the file fixed set free.

    Exporters write the *batch* of their example into such sizes; where they do not fit, the one
    that stands where the batch should be is taken for it.
    """
    if batch and few == more and -1 in few and value.few.shape != value.more.shape:
        # What -1 stands for in the file: there, the tensor holds *batch* samples.
        known = prod(n for n in few if n != -1)
        rest, left = divmod(value.few.numel() * batch, FEW * known or 1)
        if not left:
            few = more = [rest if n == -1 else n for n in few]
    out = []
    for sizes, tensor in ((few, value.few), (more, value.more)):
        known = prod(n for n in sizes if n != -1)
        if (-1 in sizes and tensor.numel() % max(known, 1) == 0) or known == tensor.numel():
            out.append(sizes)
        else:
            out.append(_freed(sizes, tensor.shape, value, batch or 1))
    return out[0], out[1]


def _freed(sizes: list[int], shape: torch.Size, value: Value, batch: int) -> list[int]:
    varying = [i for i, (a, b) in enumerate(zip(value.few.shape, value.more.shape, strict=True))
               if a != b]  # fmt: skip
    if len(varying) == 1 and -1 not in sizes:
        each = value.few.shape[varying[0]] // FEW
        for place in _likely(sizes, prod(shape[: varying[0]]), each, batch):
            freed = [*sizes[:place], -1, *sizes[place + 1 :]]
            known = prod(n for n in freed if n != -1)
            if known and prod(shape) % known == 0:
                return freed
    raise IntakeError(
        f"This network was exported for a fixed number of samples ({shown(str(list(sizes)))} "
        "cannot hold others); export it with a free batch axis (dynamic_axes or dynamic_shapes)."
    )


def _likely(sizes: list[int], before: int, each: int, batch: int) -> list[int]:
    """
    Return the axes that may follow the batch, the likeliest first.

    The batch lies in an axis of *each* x batch, first or last in it, behind *before* values: so it
    begins an axis that has as much before it, or ends the one before that. An axis that is the
    batch alone tells itself; what comes last are features, which do not follow it.
    """
    last = len(sizes) - 1
    begins = [i for i in range(len(sizes)) if prod(sizes[:i]) in (before, before * each)]
    alone = [i for i in begins if sizes[i] == batch]
    inner = [i for i in begins if i < last]
    ended = [i - 1 for i in begins if i == last and i]
    return [*alone, *inner, *ended, *begins]


def without_batch(few: Tensor, more: Tensor) -> Tensor:
    """Return a constant that only repeats itself along the batch, without the repetition."""
    if few.dim() == more.dim():
        differing = [i for i, (a, b) in enumerate(zip(few.shape, more.shape, strict=True))
                     if a != b]  # fmt: skip
        if len(differing) == 1:
            axis = differing[0]
            once = few.narrow(axis, 0, 1)
            if torch.equal(once.expand_as(few), few) and torch.equal(once.expand_as(more), more):
                return once
    raise IntakeError(
        "A constant in this network depends on the number of samples; export it with a free batch "
        "axis."
    )


def all_known(arguments: Any) -> bool:
    """Tell whether nothing among *arguments* depends on the samples."""
    if isinstance(arguments, Value):
        return arguments.known
    if isinstance(arguments, tuple | list):
        return all(all_known(a) for a in arguments)
    if isinstance(arguments, dict):
        return all(all_known(a) for a in arguments.values())
    return True


def all_same(arguments: Any) -> bool:
    """Tell whether all values among *arguments* are the same for both batches."""
    if isinstance(arguments, Value):
        return arguments.few is arguments.more
    if isinstance(arguments, tuple | list):
        return all(all_same(a) for a in arguments)
    if isinstance(arguments, dict):
        return all(all_same(a) for a in arguments.values())
    return True


def pick(arguments: Any, which: str) -> Any:
    """Return *arguments* with every value as it is for one batch: "few" or "more"."""
    if isinstance(arguments, Value):
        return getattr(arguments, which)
    if isinstance(arguments, tuple | list):
        return type(arguments)(pick(a, which) for a in arguments)
    if isinstance(arguments, dict):
        return {name: pick(a, which) for name, a in arguments.items()}
    return arguments


def has_fake(arguments: Any) -> bool:
    """Tell whether a tensor without values is among *arguments*."""
    if isinstance(arguments, tuple | list):
        return any(has_fake(a) for a in arguments)
    if isinstance(arguments, dict):
        return any(has_fake(a) for a in arguments.values())
    return isinstance(arguments, FakeTensor)
