"""How long an optimizer step takes in which arithmetic: measured in turns, on copies."""

import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import cycle
from statistics import median

import torch
from torch import Tensor, nn

from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.fit import training_loss
from compress_core.precision import Precision, choose_precision
from compress_core.recipe import Finetune
from compress_core.trainable import Trainable

WARM_UP = 2
"""Rounds that are taken and not counted: memory is allocated and code is chosen in them."""
FEWEST = 3
"""Rounds that are counted however slow they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimes:
    """Seconds per step with mixed precision and in float32, medians of *steps* rounds."""

    amp_seconds: float
    fp32_seconds: float
    dtype: str
    """What mixed precision computes in; float32 where the device has nothing better."""
    steps: int
    speedup: float
    """Median of float32 over mixed precision, round by round; below 1 it is slower."""
    lowest: float
    highest: float
    """The same ratio in the worst and the best round."""


class Stepper:
    """Takes training steps on a copy of a module, as `fit` does, in one precision."""

    def __init__(self, module: nn.Module, precision: Precision, lr: float = 1e-3) -> None:
        self.precision = precision
        self.module = deepcopy(module).train().requires_grad_(True).to(precision.device)
        if precision.channels_last:
            self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=lr)
        self.scaler = torch.amp.GradScaler(precision.device, enabled=precision.loss_scaling)

    def step(self, x: Tensor, y: Tensor) -> float:
        """Take one step and return its seconds."""
        started = time.perf_counter()
        loss = training_loss(self.module, x, y, self.precision)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        loss.item()  # waits for the device
        return time.perf_counter() - started


def take_turns(
    steppers: Mapping[str, Stepper],
    part: Part,
    batch_size: int,
    rounds: int,
    limit: float = float("inf"),
) -> dict[str, list[float]]:
    """
    Let each stepper in turn take a step on the same batch; return the seconds of every round.

    The warm-up is dropped. After *limit* seconds no further round is begun, once a few are there.
    """
    batches = _endless(part, batch_size)
    started = time.perf_counter()
    seconds: dict[str, list[float]] = {name: [] for name in steppers}
    for number in range(WARM_UP + rounds):
        counted = number - WARM_UP
        if counted >= FEWEST and time.perf_counter() - started > limit:
            break
        x, y = next(batches)
        for name, stepper in steppers.items():
            taken = stepper.step(x, y)
            if counted >= 0:
                seconds[name].append(taken)
    return seconds


def compare_step_time(
    compressed: Compressed,
    plan: Finetune,
    data: Data,
    steps: int = 10,
    limit: float = float("inf"),
) -> StepTimes:
    """
    Time the steps of fine-tuning *compressed* with mixed precision and without, in turns.

    Memory layout, batch size and data are the same for both. *compressed* is not changed.
    """
    module = Trainable(compressed)
    precisions = {name: choose_precision(module, name == "amp") for name in ("amp", "fp32")}
    steppers = {name: Stepper(module, precision) for name, precision in precisions.items()}
    seconds = take_turns(steppers, data.train, plan.batch_size, steps, limit)
    ratios = round_ratios(seconds["fp32"], seconds["amp"])
    return StepTimes(
        amp_seconds=median(seconds["amp"]),
        fp32_seconds=median(seconds["fp32"]),
        dtype=precisions["amp"].name,
        steps=len(ratios),
        speedup=median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
    )


def round_ratios(slow: list[float], fast: list[float]) -> list[float]:
    """Return slow / fast of every round: what slows the whole machine down falls out."""
    return [a / b for a, b in zip(slow, fast, strict=True)]


def _endless(part: Part, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    # A few batches are enough, and the last one of a part may be shorter than the others.
    few = part.head(max(1, min(len(part) // batch_size, 8)) * batch_size)
    return cycle(list(few.batches(min(batch_size, len(few)))))
