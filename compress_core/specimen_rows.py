"""Which layers over rows of values are measured: words, attention, memories, windows of signals."""

import random
from collections.abc import Callable

from compress_core.operators import Kind, Operator

Drawn = tuple[Operator, ...]
LENGTHS = (8, 16, 32, 50, 64, 100, 128)
"""Words or moments."""
SIZES = (8, 12, 16, 24, 32, 41, 48, 64, 96)
"""Values in a row."""
OF_ROWS = ("transpose", "product", "softmax", "norm", "mean-time", "pick", "gru", "lstm")
"""Kinds that read moments x values, so with values last."""


def _embedding(draw: random.Random, index: int) -> Drawn:
    length = draw.choice(LENGTHS)
    return (_rows("embedding", length, 1, draw.choice(SIZES)),)


def _matrix(draw: random.Random, index: int) -> Drawn:
    """Draw linear layers that read one row after the other, one or three."""
    length, inputs, repeats = draw.choice(LENGTHS), draw.choice(SIZES), 1 + 2 * (index % 2)
    outputs = inputs if repeats > 1 else draw.choice((*SIZES, 144, 192))
    layer = _rows("linear", length, inputs, outputs)
    return (_rows("reshape", length, inputs, inputs), *(layer,) * repeats)


def _attention(draw: random.Random, index: int) -> Drawn:
    """Draw how alike all rows are, in several heads, and their means by that."""
    heads, length = draw.choice((2, 4)), draw.choice(LENGTHS)
    size = draw.choice((4, 8, 12, 16, 20, 32))
    rows = heads * length
    turned = Operator(
        kind="transpose",
        inputs=size,
        outputs=length,
        read=rows,
        positions=heads * size,
        groups=heads,
    )
    softmax = (_rows("softmax", rows, length, length),) if index % 2 else ()
    return (
        turned,
        _rows("product", rows, size, length, heads),
        *softmax,
        _rows("product", rows, length, size, heads),
    )


def _alike(draw: random.Random, index: int) -> Drawn:
    """Draw what leaves the shape of rows as it is, one or three times."""
    kinds: tuple[Kind, ...] = ("norm", "softmax")
    size = draw.choice(SIZES)
    return (_rows(kinds[index % 2], draw.choice(LENGTHS), size, size),) * draw.choice((1, 3))


def _moved(draw: random.Random, index: int) -> Drawn:
    kinds: tuple[Kind, ...] = ("transpose", "mean-time", "pick")
    kind, length, size = kinds[index % 3], draw.choice(LENGTHS), draw.choice(SIZES)
    if kind == "transpose":
        moved = Operator(kind=kind, inputs=size, outputs=length, read=length, positions=size)
        return (moved,)
    return (Operator(kind=kind, inputs=size, outputs=size, read=length),)


def _memory(draw: random.Random, index: int) -> Drawn:
    """Draw what runs over time, without the linear layer before it."""
    kinds: tuple[Kind, ...] = ("gru", "lstm")
    kind, hidden = kinds[index % 2], draw.choice((8, 16, 24, 32, 48, 64, 80))
    gates = {"gru": 3, "lstm": 4}[kind]
    return (_rows(kind, draw.choice(LENGTHS), gates * hidden, hidden),)


def _line_window(draw: random.Random, index: int) -> Drawn:
    """Draw windows along one axis after a convolution along it."""
    kinds: tuple[Kind, ...] = ("maximum", "average")
    channels, length = draw.choice(SIZES), draw.choice((16, 32, 64, 100, 128))
    kernel = draw.choice((2, 4, length))
    both = {"inputs": channels, "outputs": channels, "read": length, "axes": 1}
    return (
        Operator(kind="conv", positions=length, kernel=3, **both),
        Operator(kind=kinds[index % 2], positions=length // kernel, kernel=kernel, **both),
    )


def _rows(kind: Kind, rows: int, inputs: int, outputs: int, groups: int = 1) -> Operator:
    return Operator(
        kind=kind,
        inputs=inputs,
        outputs=outputs,
        read=rows,
        positions=rows,
        groups=groups,
        axes=1,
    )


ROWS_DRAWN: dict[Callable[[random.Random, int], Drawn], int] = {
    _embedding: 8,
    _matrix: 20,
    _attention: 16,
    _alike: 16,
    _moved: 12,
    _memory: 20,
    _line_window: 10,
}
"""How many of each are drawn."""
