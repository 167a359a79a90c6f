"""The one training loop: float32 master weights, mixed precision, best state kept."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_core.data import Data, Part
from compress_core.events import EpochEnd, Event, Finished, Improved, Started, StepEnd
from compress_core.precision import Precision, choose_precision

State = dict[str, Tensor]
Augment = Callable[[Tensor, torch.Generator], Tensor]
Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits in float32, inputs, classes) -> the loss of a batch."""


def cross_entropy(logits: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of the classes, nats."""
    return F.cross_entropy(logits, y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how fast to train: AdamW, a short warm-up, then a cosine to zero."""

    epochs: int
    lr: float
    batch_size: int = 128
    weight_decay: float = 0.0
    amp: bool = True
    seed: int = 0


def fit(
    module: nn.Module,
    data: Data,
    plan: Plan,
    *,
    augment: Augment | None = None,
    objective: Objective = cross_entropy,
    before_step: Callable[[int, int], None] = lambda step, steps: None,
    first_best: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event | Improved[State] | Finished[State]]:
    """
    Train *module* in place and yield what happens; the last event holds the best state.

    Best is the highest validation accuracy from epoch *first_best* on; 0 is the start, so that the
    result is never worse on validation. *before_step* is told the step and how many there are.
    *stop* is asked between steps. Equal seeds on one machine give equal numbers.
    """
    precision = choose_precision(module, plan.amp)
    if data.train.inputs(0, 1).dim() != 4:  # no pictures, though they may become some inside
        precision = replace(precision, channels_last=False)
    _place(module, precision)
    loop = _Loop(module, data, plan, precision, objective, first_best)
    yield Started(
        steps=plan.epochs * loop.steps_per_epoch,
        epochs=plan.epochs,
        dtype=precision.name,
        channels_last=precision.channels_last,
        reason=precision.reason,
    )
    started = time.perf_counter()
    yield from loop.validate(0, None)
    cancelled = False
    for epoch in range(1, plan.epochs + 1):
        losses: list[float] = []
        for x, y in data.train.batches(plan.batch_size, loop.generator):
            if cancelled := stop():
                break
            before_step(len(loop.seconds), plan.epochs * loop.steps_per_epoch)
            event = loop.step(x if augment is None else augment(x, loop.generator), y)
            losses.append(event.loss)
            yield event
        if cancelled:
            break
        yield from loop.validate(epoch, sum(losses) / len(losses))
    module.load_state_dict(loop.best_state or module.state_dict())
    yield Finished(
        cancelled=cancelled,
        best_epoch=loop.best_epoch,
        validation_accuracy=loop.best_accuracy if loop.best_state else float("nan"),
        seconds=time.perf_counter() - started,
        seconds_per_step=median(loop.seconds) if loop.seconds else float("nan"),
        dtype=precision.name,
        result=loop.best_state,
    )


def score(
    module: nn.Module, part: Part, precision: Precision | None = None, batch_size: int = 100
) -> tuple[Tensor, Tensor]:
    """Return (predicted class, loss) of every sample of *part*, computed in evaluation mode."""
    was_training = module.training
    module.eval()
    classes, losses = [], []
    with torch.inference_mode():
        for x, y in part.pieces(batch_size):
            logits = module(_to(x, precision)).float().cpu()
            classes.append(logits.argmax(1))
            losses.append(F.cross_entropy(logits, y, reduction="none"))
    module.train(was_training)
    return torch.cat(classes), torch.cat(losses)


class _Loop:
    """The state of one training: optimizer, schedule, loss scaling and the best weights so far."""

    def __init__(
        self,
        module: nn.Module,
        data: Data,
        plan: Plan,
        precision: Precision,
        objective: Objective,
        first_best: int,
    ) -> None:
        self.module, self.data, self.plan, self.precision = module, data, plan, precision
        self.objective, self.first_best = objective, first_best
        self.steps_per_epoch = -(-len(data.train) // data.train.batch_size(plan.batch_size))
        self.generator = torch.Generator().manual_seed(plan.seed)
        self.optimizer = torch.optim.AdamW(
            module.parameters(), lr=plan.lr, weight_decay=plan.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            max_lr=plan.lr,
            total_steps=max(2, plan.epochs * self.steps_per_epoch),  # one would start at zero
            pct_start=0.15,
        )
        self.scaler = torch.amp.GradScaler(precision.device, enabled=precision.loss_scaling)
        self.seconds: list[float] = []
        self.best_epoch, self.best_accuracy = 0, -1.0
        self.best_state: State = {}

    def step(self, x: Tensor, y: Tensor) -> StepEnd:
        started = time.perf_counter()
        lr = self.optimizer.param_groups[0]["lr"]
        self.module.train()
        # Dropout draws from the global generator: fork it, so that a seed fixes every number.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.plan.seed + len(self.seconds))
            loss = training_loss(self.module, x, y, self.precision, self.objective)
            self.optimizer.zero_grad()
            self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        value = loss.item()
        self.seconds.append(time.perf_counter() - started)
        return StepEnd(step=len(self.seconds), loss=value, lr=lr, seconds=self.seconds[-1])

    def validate(self, epoch: int, loss: float | None) -> Iterator[EpochEnd | Improved[State]]:
        part = self.data.validation
        classes, losses = score(self.module, part, self.precision)
        accuracy = float((classes == part.y).double().mean())
        if best := epoch >= self.first_best and accuracy > self.best_accuracy:
            self.best_epoch, self.best_accuracy = epoch, accuracy
            self.best_state = {k: v.detach().clone() for k, v in self.module.state_dict().items()}
        yield EpochEnd(
            epoch=epoch,
            step=len(self.seconds),
            loss=loss,
            validation_loss=float(losses.mean()),
            validation_accuracy=accuracy,
            best=best,
        )
        if best:
            yield Improved(epoch=epoch, validation_accuracy=accuracy, result=self.best_state)


def training_loss(
    module: nn.Module,
    x: Tensor,
    y: Tensor,
    precision: Precision,
    objective: Objective = cross_entropy,
) -> Tensor:
    """Return the loss of one batch, the forward pass computed in *precision*."""
    x = _to(x, precision)
    with torch.autocast(precision.device, precision.dtype, enabled=precision.amp):
        logits = module(x)
    return objective(logits.float(), x, y.to(precision.device))


def _place(module: nn.Module, precision: Precision) -> None:
    module.to(precision.device)
    if precision.channels_last:
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _to(x: Tensor, precision: Precision | None) -> Tensor:
    if precision is None:
        return x
    x = x.to(precision.device)
    return x.contiguous(memory_format=torch.channels_last) if precision.channels_last else x
