"""Which layers are measured on a machine: every kind at many widths, alone or a few in a row."""

import random
from dataclasses import dataclass, replace
from typing import Literal

from compress_core.operators import Kind, Operator
from compress_core.specimen_rows import OF_ROWS, ROWS_DRAWN

Precision = Literal["float32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
LARGEST = 12_000_000
"""Multiply-accumulates of a specimen: larger ones take long and tell nothing new."""
FEW = (1, 1, 2, 3, 3, 4, 6, 8, 12, 14)
FULL = (16, 32, 48, 64, 96, 128)
LOOSE = (17, 20, 24, 28, 37, 40, 51, 77, 102)
"""Channels that are fewer than a register's, that fill registers, and that do not."""
SIDES = (3, 4, 7, 8, 14, 16, 28, 32)
WIDTHS = (10, 16, 30, 64, 84, 100, 120, 200, 300, 400, 784, 1024, 1152, 1600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """What is measured in one file: a layer, or a few in a row."""

    operators: tuple[Operator, ...]
    precision: Precision

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one sample, without the batch."""
        first = self.operators[0]
        if first.kind == "embedding":
            return (first.read,)
        if first.kind in OF_ROWS or (first.kind == "reshape" and first.positions > 1):
            heads = (first.groups,) if first.groups > 1 else ()
            return (*heads, first.read // first.groups, first.inputs)
        return (first.inputs, *sides(first.read, first))


def specimens(seed: int = 0) -> tuple[Specimen, ...]:
    """Return what is measured on a machine: every kind of layer at many widths, drawn once."""
    draw = random.Random(seed)
    counts = {_dense: 60, _depthwise: 24, _line: 10, _linear: 22, _after_layer: 48, _alone: 12}
    every = (*counts.items(), *ROWS_DRAWN.items())
    drawn = [make(draw, index) for make, count in every for index in range(count)]
    return tuple(
        Specimen(operators=work, precision=precision) for precision in PRECISIONS for work in drawn
    )


def _conv(
    inputs: int, outputs: int, side: int, kernel: int, stride: int = 1, groups: int = 1
) -> Operator:
    after = -(-side // stride)
    return Operator(
        kind="conv",
        inputs=inputs,
        outputs=outputs,
        read=side * side,
        positions=after * after,
        kernel=kernel * kernel,
        groups=groups,
    )


def _dense(draw: random.Random, index: int) -> tuple[Operator, ...]:
    """Draw convolutions of all inputs, one, or three in a row."""
    choices = (FEW, FULL, LOOSE)
    while True:
        inputs = draw.choice(choices[index % 3])
        repeats = 3 if index % 2 and inputs > 2 else 1
        outputs = inputs if repeats > 1 else draw.choice(FEW + FULL + LOOSE)
        stride = 2 if repeats == 1 and draw.random() < 0.3 else 1
        operator = _conv(inputs, outputs, draw.choice(SIDES), draw.choice((1, 3, 3, 5)), stride)
        if repeats * operator.macs <= LARGEST:
            return (operator,) * repeats


def _depthwise(draw: random.Random, index: int) -> tuple[Operator, ...]:
    """Draw convolutions of each channel by itself."""
    while True:
        channels = draw.choice(((16, 32, 64, 128, 256), (12, 24, 40, 72, 150))[index % 2])
        repeats = draw.choice((1, 3))
        stride = draw.choice((1, 2)) if repeats == 1 else 1
        side = draw.choice(SIDES)
        if channels * side * side <= 60_000:
            kernel = draw.choice((3, 3, 5))
            return (_conv(channels, channels, side, kernel, stride, channels),) * repeats


def _line(draw: random.Random, index: int) -> tuple[Operator, ...]:
    """Draw a convolution along one axis: windows of signals."""
    inputs = draw.choice((3, 6, 8, 16, 24, 32, 64))
    repeats = 1 + 2 * (index % 2)
    length = draw.choice((16, 32, 64, 128))
    operator = Operator(
        kind="conv",
        inputs=inputs,
        outputs=inputs if repeats > 1 else draw.choice((8, 16, 24, 32, 64)),
        read=length,
        positions=length,
        kernel=draw.choice((3, 5, 7)),
        axes=1,
    )
    return (operator,) * repeats


def _linear(draw: random.Random, index: int) -> tuple[Operator, ...]:
    repeats = 1 + 2 * (index % 2)
    inputs = draw.choice(WIDTHS)
    outputs = inputs if repeats > 1 else draw.choice(WIDTHS)
    return (Operator(kind="linear", inputs=inputs, outputs=outputs),) * repeats


def _after_layer(draw: random.Random, index: int) -> tuple[Operator, ...]:
    """Draw what runtimes carry out in the layout of the convolution before it."""
    kinds: tuple[Kind, ...] = ("maximum", "average", "add")
    kind, side = kinds[index % 3], draw.choice((4, 8, 14, 16, 28))
    channels = draw.choice(((6, 8, 12, *LOOSE), FULL)[index // 3 % 2])
    layer = _conv(channels, channels, side, draw.choice((1, 3)))
    if kind == "add":
        plain = replace(layer, kernel=1)
        rows = (layer, replace(plain, kind="add"), replace(plain, kind="relu"))
        return rows * draw.choice((1, 2))
    after = (side // 2) ** 2
    return (layer, replace(layer, kind=kind, kernel=4, positions=after))


def _alone(draw: random.Random, index: int) -> tuple[Operator, ...]:
    kinds: tuple[Kind, ...] = ("mean", "reshape")
    kind = kinds[index % 2]
    channels, side = draw.choice((*FULL, *LOOSE)), draw.choice((4, 7, 8, 14))
    outputs = channels * side * side if kind == "reshape" else channels
    return (Operator(kind=kind, inputs=channels, outputs=outputs, read=side * side),)


def sides(positions: int, operator: Operator) -> list[int]:
    """Return so many positions as a square, or as a line."""
    if operator.kind == "linear":
        return []
    return [positions] if operator.axes == 1 else [round(positions**0.5)] * 2
