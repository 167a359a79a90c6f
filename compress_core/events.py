"""What long work reports while it runs. Knows nothing of torch, Streamlit or the store."""

from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The work begins: how many steps it will take and with which arithmetic."""

    kind: Literal["started"] = "started"
    steps: int
    epochs: int
    dtype: str
    """What the forward pass computes in: float32, bfloat16 or float16."""
    channels_last: bool
    reason: str
    """One sentence: why this dtype and memory layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """One optimizer step is done."""

    kind: Literal["step"] = "step"
    step: int
    loss: float
    lr: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnd:
    """One pass over the training part is done; epoch 0 is the state before any training."""

    kind: Literal["epoch"] = "epoch"
    epoch: int
    step: int
    loss: float | None
    """Mean training loss of the epoch; None for epoch 0."""
    validation_loss: float
    validation_accuracy: float
    """Fraction of the validation part."""
    best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Improved(Generic[Result]):
    """The epoch that just ended is the best so far; *result* is worth keeping."""

    kind: Literal["improved"] = "improved"
    epoch: int
    validation_accuracy: float
    result: Result = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Generic[Result]):
    """The work is over, by itself or because it was cancelled; *result* is the best state."""

    kind: Literal["finished"] = "finished"
    cancelled: bool
    best_epoch: int
    validation_accuracy: float
    seconds: float
    seconds_per_step: float
    """Median over the steps; NaN when there was none."""
    dtype: str
    result: Result = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Generic[Result]):
    """Work in so many equal steps has come so far; *result* is what there is by now."""

    kind: Literal["progress"] = "progress"
    step: int
    steps: int
    result: Result = field(repr=False)


Event = Started | StepEnd | EpochEnd
"""What carries numbers only; `Improved` and, as the last event, `Finished` carry a result."""
