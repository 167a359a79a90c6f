"""How good the answers of a network are, on which part of the data, and how sure that is."""

from dataclasses import dataclass

from torch import Tensor, nn

from compress_core.compress import Compressed
from compress_core.data import Part, PartName
from compress_core.fit import score
from compress_core.measured import Measured, proportion
from compress_core.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Accuracy on one part, overall and per class, with 95 % intervals."""

    part: PartName
    accuracy: Measured
    loss: float
    """Mean cross-entropy, nats."""
    per_class: tuple[Measured | None, ...]
    """Share of each class that is recognised; None for a class without samples."""


def evaluate(model: Network | Compressed | nn.Module, part: Part) -> Evaluation:
    """
    Run *model* on every sample of *part* in float32 and count the right answers.

    Raises ValueError when the part is empty.
    """
    if not len(part):
        raise ValueError(f"The {part.name} part has no samples; an accuracy needs at least one.")
    module = model if isinstance(model, nn.Module) else model.module
    predicted, losses = score(module, part)
    right = predicted == part.y
    classes = max(int(part.y.max()) + 1, _labels(model))
    return Evaluation(
        part=part.name,
        accuracy=proportion(int(right.sum()), len(part)),
        loss=float(losses.mean()),
        per_class=tuple(_recall(right[part.y == index]) for index in range(classes)),
    )


def _labels(model: Network | Compressed | nn.Module) -> int:
    """Return how many classes a model tells apart, as far as it says so."""
    if isinstance(model, Compressed):
        return len(model.network.labels)
    return len(model.labels) if isinstance(model, Network) else 0


def _recall(right: Tensor) -> Measured | None:
    return proportion(int(right.sum()), len(right)) if len(right) else None
