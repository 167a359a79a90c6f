"""
The clinic: what a file of somebody's network is, what was found out, and what has to be asked.

Nothing is loaded as a network here. Formats are told from content, architectures from names and
shapes of weights; the usual normalisations are scored on samples that the person gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import fx, nn

from compress_core.data import Part
from compress_core.importers import infer, known, state_dict
from compress_core.importers.formats import Format, recognise
from compress_core.network import LAYER_KINDS, Network
from compress_core.refusal import IntakeError
from compress_core.vocabulary import FUNCTION_NAMES, NAME_OF_OPERATOR

Question = Literal["input_shape", "architecture", "normalisation", "labels"]
NAMES: dict[Format, str] = {
    "fit": "packed network (.fit)",
    "onnx": "ONNX",
    "torchscript": "TorchScript",
    "pt2": "exported program of PyTorch (.pt2)",
    "safetensors": "weights alone (safetensors)",
    "state_dict": "weights alone (state dict)",
    "pickle": "whole pickled network",
}
USUAL_SIDES = (28, 32, 64, 96, 128, 224)
"""Sides of pictures that are tried where a file does not say its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a file tells by itself, and what is left to ask."""

    format: Format
    architecture: str | None = None
    input_shape: tuple[int, ...] | None = None
    channels: int | None = None
    classes: int | None = None
    proposals: tuple[tuple[infer.Row, ...], ...] = ()
    """Plain sequences that fit weights of unknown architecture, likely ones first."""
    questions: tuple[Question, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """A way of scaling raw samples: (x - mean) / std."""

    name: str
    mean: float
    std: float
    score: float = 0.0
    """Share of samples named rightly; without labels, how sure the network is."""


def examine(path: str | Path, input_shape: tuple[int, ...] | None = None) -> Findings:
    """
    Return what a file tells before it is loaded; raises IntakeError for what cannot be taken in.

    State dicts are opened here by torch's restricted unpickler: call this in a confined process
    (see `sandbox`) for files of strangers; safetensors need none.
    """
    path = Path(path)
    kind = recognise(path)
    if kind == "pickle":
        raise IntakeError(state_dict.PICKLED)
    if kind not in ("safetensors", "state_dict"):
        return Findings(format=kind, input_shape=input_shape)
    return _from_weights(kind, state_dict.read_shapes(path, kind), input_shape)


def _from_weights(kind: Format, shapes: infer.Shapes, given: tuple[int, ...] | None) -> Findings:
    found = known.recognise(shapes)
    channels, classes = _ends(shapes)
    if found is not None:
        return Findings(
            format=kind,
            architecture=f"{found.name} ({found.source})",
            input_shape=given or found.input_shape,
            channels=channels,
            classes=classes,
        )
    remarks = tuple(
        f"{package} is not installed here; its architectures are not recognised."
        for package in known.missing_packages()
    )
    for shape in [given] if given else _guesses(shapes, channels):
        try:
            proposals = infer.propose(shapes, shape)
        except IntakeError as error:
            remarks = (*remarks, str(error)) if given else remarks
            continue
        questions: tuple[Question, ...] = ("architecture",) if given else (
            "architecture", "input_shape")  # fmt: skip
        return Findings(format=kind, input_shape=shape, channels=channels, classes=classes,
                        proposals=proposals, questions=questions, remarks=remarks)  # fmt: skip
    return Findings(format=kind, channels=channels, classes=classes, remarks=remarks,
                    questions=("architecture", "input_shape"))  # fmt: skip


def _ends(shapes: infer.Shapes) -> tuple[int | None, int | None]:
    """Return what the first layer reads and the last one gives."""
    weights = [s for n, s in shapes.items() if n.endswith("weight") and len(s) >= 2]
    if not weights:
        return None, None
    return weights[0][1], weights[-1][0]


def _guesses(shapes: infer.Shapes, channels: int | None) -> list[tuple[int, ...]]:
    first = next((s for n, s in shapes.items() if n.endswith("weight") and len(s) >= 2), None)
    if first is None or channels is None:
        return []
    if len(first) == 2:
        return [(channels,)]
    return [(channels, side, side) for side in USUAL_SIDES] if len(first) == 4 else []


def untouched(network: Network) -> tuple[str, ...]:
    """Return what compression leaves as it is: other layers with weights, and kept operators."""
    names = []
    for node in network.module.graph.nodes:
        if node.op == "call_module":
            leaf = network.module.get_submodule(str(node.target))
            if _has_weights(leaf) and type(leaf) not in LAYER_KINDS:
                names.append(f"{node.target} ({type(leaf).__name__})")
        elif node.op == "call_function" and _kept(node):
            names.append(f"{node.name} ({FUNCTION_NAMES[node.target]})")
    return tuple(dict.fromkeys(names))


SMALL = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d,
         nn.InstanceNorm2d, nn.PReLU)  # fmt: skip
"""Layers whose few weights nobody expects to be compressed."""


def _has_weights(leaf: nn.Module) -> bool:
    return not isinstance(leaf, SMALL) and any(True for _ in leaf.parameters())


def _kept(node: fx.Node) -> bool:
    name = FUNCTION_NAMES.get(node.target, "")  # type: ignore[arg-type]
    return name.startswith(NAME_OF_OPERATOR)


def normalisations(part: Part, highest: float | None = None) -> tuple[Normalisation, ...]:
    """
    Return the usual ways to scale raw samples of *part*: as they are, 0 to 1, -1 to 1, ImageNet's
    mean and deviation (of grey values), the statistics of the samples themselves.

    *highest* is the largest raw value there can be; without it, 255 for whole numbers, else the
    largest that is seen.
    """
    values = part.x.float()
    if highest is None:
        highest = 255.0 if not part.x.is_floating_point() else max(float(values.max()), 1e-12)
    deviation = float(values.std()) if values.numel() > 1 else 1.0
    return (
        Normalisation(name="0 to 1", mean=0.0, std=highest),
        Normalisation(name="-1 to 1", mean=highest / 2, std=highest / 2),
        Normalisation(name="ImageNet", mean=0.449 * highest, std=0.226 * highest),
        Normalisation(name="own statistics", mean=float(values.mean()), std=deviation or 1.0),
        Normalisation(name="as they are", mean=0.0, std=1.0),
    )


def score(
    network: Network, part: Part, candidates: Sequence[Normalisation], labelled: bool = True
) -> tuple[Normalisation, ...]:
    """
    Return the candidates with their score on *part*, best first.

    With labels the score is accuracy. Without, it is the mean probability of the likeliest class:
    networks are less sure about samples that are scaled in a way they have never seen.
    """
    scored = []
    for candidate in candidates:
        scaled = replace(part, mean=candidate.mean, std=candidate.std)
        total = 0.0
        with torch.inference_mode():
            for x, y in scaled.batches(128):
                answer = network.module(x)
                if labelled:
                    total += float((answer.argmax(1) == y).sum())
                else:
                    total += float(answer.softmax(1).amax(1).sum())
        scored.append(replace(candidate, score=total / len(part)))
    return tuple(sorted(scored, key=lambda c: -c.score))
