"""Soft labels: what a network thinks of all classes, and not only which one it picks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from compress_core.data import Part
from compress_core.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Soft:
    """One sample's probabilities, softened by a temperature."""

    probabilities: tuple[float, ...]
    bits: float
    """Their entropy: how much they say beyond the label."""


def logits_of(network: Network, part: Part, index: int) -> Tensor:
    """Return the outputs for sample *index* of *part*, one number for each class."""
    with torch.inference_mode():
        answer: Tensor = network.module(part.inputs(index, index + 1))[0]
    return answer


def soften(logits: Tensor, temperature: float) -> Soft:
    """Return softmax(logits / temperature) (Hinton et al., 2015)."""
    p = (logits.double() / temperature).softmax(0)
    return Soft(
        probabilities=tuple(p.tolist()),
        bits=float(torch.special.entr(p).sum() / torch.log(torch.tensor(2.0))),
    )


def torn(network: Network, part: Part, count: int, among: int = 1000) -> list[int]:
    """Return the *count* samples of the first *among* that it hesitates over most, rightly."""
    few = part.head(among)
    with torch.inference_mode():
        p = network.module(few.inputs()).double().softmax(1)
    hesitation = torch.special.entr(p).sum(1)
    right = p.argmax(1) == few.y
    found: list[int] = torch.where(right, hesitation, -1.0).topk(count).indices.tolist()
    return found
