"""What a compressed network is worth: one value that the tag, the history and the charts read."""

from dataclasses import asdict, dataclass
from typing import Any

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Against, Part, PartName
from compress_core.evaluate import Evaluation, evaluate
from compress_core.measured import Measured
from compress_core.network import Network
from compress_core.recipe import Recipe
from compress_core.sizes import Sizes, sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Accuracy on one part, bytes and work of a network."""

    part: PartName
    accuracy: Measured
    loss: float
    per_class: tuple[Measured | None, ...]
    fp32_bytes: int
    theory_bytes: int
    packed_bytes: int
    parameters: int
    nonzero: int
    macs: int
    against: Against = "labels"
    """What *accuracy* is counted against; against the original it is agreement."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` gives back an equal value."""
        return asdict(self)

    @staticmethod
    def from_dict(value: dict[str, Any]) -> "Worth":
        """Read what `to_dict` wrote."""
        recalls = [None if recall is None else Measured(**recall) for recall in value["per_class"]]
        accuracy = Measured(**value["accuracy"])
        return Worth(**{**value, "accuracy": accuracy, "per_class": tuple(recalls)})


def worth(model: Network | Compressed, part: Part, size: Sizes | None = None) -> Worth:
    """
    Measure *model* on *part*: its answers, the bytes of its file and its work per sample.

    *size* is what `sizes` said of it, where that is known already.
    """
    compressed = compress(model, Recipe()) if isinstance(model, Network) else model
    return worth_of(compressed, evaluate(compressed, part), size or sizes(compressed))


def worth_of(compressed: Compressed, evaluation: Evaluation, size: Sizes) -> Worth:
    """Put together what is known of *compressed*."""
    zeros = sum(layer.parameters - layer.nonzero for layer in size.layers)
    return Worth(
        part=evaluation.part,
        accuracy=evaluation.accuracy,
        loss=evaluation.loss,
        per_class=evaluation.per_class,
        fp32_bytes=size.fp32_bytes,
        theory_bytes=size.theory_bytes,
        packed_bytes=size.packed_bytes,
        parameters=compressed.network.parameters,
        nonzero=compressed.network.parameters - zeros,
        macs=compressed.network.macs,
        against=evaluation.against,
    )
