"""How good the answers of a network are, on which part of the data, and how sure that is."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from compress_core.compressed import Compressed
from compress_core.data import Against, Part, PartName
from compress_core.fit import score
from compress_core.measured import UNMEASURED, Measured, proportion
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
    against: Against = "labels"
    """
    Against the original, accuracy is agreement: the share of answers that did not change. Against
    nothing, it is UNMEASURED and *loss* is no number.
    """


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """What a network says to the first samples of a part; one value for each sample."""

    predicted: Tensor
    """Class indexes, int64."""
    losses: Tensor
    """Cross-entropy, nats, float32."""

    def __len__(self) -> int:
        return len(self.predicted)

    def head(self, count: int) -> "Answers":
        """Return the answers to the first *count* of these samples."""
        return Answers(self.predicted[:count], self.losses[:count])


def answer(
    model: Network | Compressed | nn.Module, part: Part, known: Answers | None = None
) -> Answers:
    """
    Run *model* on every sample of *part* in float32.

    The first samples are not run again where their answers are *known*.
    """
    module = model if isinstance(model, nn.Module) else model.module
    if known is None or not len(known):
        return Answers(*score(module, part))
    if len(known) >= len(part):
        return known.head(len(part))
    rest = replace(part, x=part.x[len(known) :], y=part.y[len(known) :])
    pairs = zip((known.predicted, known.losses), score(module, rest), strict=True)
    return Answers(*(torch.cat(pair) for pair in pairs))


def judge(answers: Answers, part: Part, classes: int = 0) -> Evaluation:
    """
    Count the right ones of the answers to the first samples of *part*.

    *classes* is how many there are at least. Raises ValueError when there are no answers.
    """
    part = part.head(len(answers))
    if not len(part):
        raise ValueError(f"The {part.name} part has no samples; an accuracy needs at least one.")
    right = answers.predicted == part.y
    classes = max(int(part.y.max()) + 1, classes)
    return Evaluation(
        part=part.name,
        accuracy=proportion(int(right.sum()), len(part)),
        loss=float(answers.losses.mean()),
        per_class=recalls(right, part.y, classes),
        against=part.against,
    )


def recalls(right: Tensor, y: Tensor, classes: int) -> tuple[Measured | None, ...]:
    """Return the share of each class that is recognised; *right* tells where answers are right."""
    seen, found = (torch.bincount(of, minlength=classes).tolist() for of in (y, y[right]))
    return tuple(proportion(f, n) if n else None for f, n in zip(found, seen, strict=True))


def evaluate(model: Network | Compressed | nn.Module, part: Part) -> Evaluation:
    """
    Run *model* on every sample of *part* in float32 and count the right answers.

    Raises ValueError when the part is empty, unless nobody gave samples at all.
    """
    if part.against == "nothing":
        return unmeasured(part)
    answers = answer(model, part) if len(part) else Answers(part.y, part.y)
    return judge(answers, part, _labels(model))


def unmeasured(part: Part) -> Evaluation:
    """Return what is said before anything was counted, or where nothing can be."""
    return Evaluation(
        part=part.name,
        accuracy=UNMEASURED,
        loss=UNMEASURED.value,
        per_class=(),
        against=part.against,
    )


def _labels(model: Network | Compressed | nn.Module) -> int:
    """Return how many classes a model tells apart, as far as it says so."""
    if isinstance(model, Compressed):
        return len(model.network.labels)
    return len(model.labels) if isinstance(model, Network) else 0
