"""
Picture of a run: how a fine-tuning goes. A Vega-Lite specification from its events.

It names no colours (see `roles`) and no words beside those that the caller passes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from statistics import fmean
from typing import Any

import altair as alt

from compress_core.events import EpochEnd, StepEnd
from compress_core.roles import Roles

TRAINING_HEIGHT = 460
ACCURACY_BAND: list[Any] = [alt.ExprRef("0.64 * height"), 0]
LOSS_BAND: list[Any] = [alt.ExprRef("height"), alt.ExprRef("0.75 * height")]
"""From bottom to top: one picture with two scales, one above the other, and one time."""
MOST_POINTS = 160
"""Of a loss curve; each is the mean of as many steps as it takes, so that the line stays calm."""
AXIS_WIDTH = 52
"""Pixels for the numbers of a vertical axis: plots that stand on each other line up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveWords:
    """What is written beside the curves."""

    epoch: str = "Epochs"
    accuracy: str = "Accuracy on validation"
    loss: str = "Loss"
    training: str = "on training batches"
    validation: str = "on validation"
    best: str = "best"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A horizontal line to compare a curve with, such as the accuracy of the original."""

    value: float
    text: str
    role: str
    """One of the words of `Roles`."""
    below: bool = False
    """Whether its words stand under the line; over it otherwise."""


def training_spec(
    happened: Sequence[object],
    epochs: int,
    steps: int,
    levels: Sequence[Level],
    roles: Roles,
    words: CurveWords,
) -> dict[str, Any]:
    """
    Return a Vega-Lite specification: validation accuracy, with *levels* as labelled lines, over
    the losses.

    The horizontal axis always spans all *epochs*, so the picture shows how far the run has come.
    *steps* is the number of all of them; 0 while unknown. A dictionary, because it is drawn again
    every second: all but the numbers is made once.
    """
    ends = [event for event in happened if isinstance(event, EpochEnd)]
    accuracies = [end.validation_accuracy for end in ends]
    low, high = _room([*accuracies, *(level.value for level in levels)])
    role = {"role": roles.compressed}
    best = max((end.epoch for end in ends if end.best), default=None)
    epoch_rows = [
        {"epoch": e.epoch, "accuracy": e.validation_accuracy, "loss": e.validation_loss,
         "best": e.epoch == best, "what": words.validation, **role}
        for e in ends
    ]  # fmt: skip
    losses = _losses([e for e in happened if isinstance(e, StepEnd)], steps)
    loss_rows = [
        {"epoch": step * epochs / steps, "loss": loss, "what": words.training, **role}
        for step, loss in losses
    ]
    level_rows = [{**asdict(level), "epoch": epochs} for level in levels]
    return {
        **_training_template(epochs, low, high, roles, words),
        "datasets": {"epochs": epoch_rows, "losses": loss_rows, "levels": level_rows},
    }


@lru_cache(maxsize=64)
def _training_template(
    epochs: int, low: float, high: float, roles: Roles, words: CurveWords
) -> dict[str, Any]:
    """Return the specification without numbers; whoever uses it must not write into it."""
    x = alt.X(
        "epoch:Q",
        title=words.epoch,
        scale=alt.Scale(domain=[0, epochs], nice=False),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
    )
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles.domain), legend=None)
    accuracy = alt.layer(*_accuracy_layers(low, high, words, x, colour))
    loss = alt.layer(*_loss_layers(words, x, colour))
    both = alt.layer(accuracy, loss).resolve_scale(y="independent")
    spec: dict[str, Any] = both.properties(height=TRAINING_HEIGHT).to_dict()
    return spec


def _accuracy_layers(
    low: float, high: float, words: CurveWords, x: alt.X, colour: alt.Color
) -> list[Any]:
    y = alt.Y(
        "accuracy:Q",
        title=words.accuracy,
        scale=alt.Scale(domain=[low, high], range=ACCURACY_BAND, nice=False),
        axis=alt.Axis(
            format=".0%" if high - low > 0.06 else ".1%",
            minExtent=AXIS_WIDTH,
            maxExtent=AXIS_WIDTH,
            tickCount=5,
        ),
    )
    levels = alt.Chart(alt.NamedData("levels")).encode(y=_at(y, "value"), color=colour)
    text = levels.encode(x=x, text="text:N")
    style: dict[str, Any] = {"align": "right", "dx": -4, "fontSize": 12.5, "fontWeight": 600}
    curve = alt.Chart(alt.NamedData("epochs")).encode(x=x, y=y, color=colour)
    tooltip = [
        alt.Tooltip("epoch:Q", title=words.epoch),
        alt.Tooltip("accuracy:Q", title=words.accuracy, format=".1%"),
    ]
    return [
        levels.mark_rule(strokeWidth=1.5, strokeDash=[5, 4]),
        text.transform_filter("!datum.below").mark_text(dy=-9, **style),
        text.transform_filter("datum.below").mark_text(dy=12, **style),
        curve.mark_line(strokeWidth=2.5),
        curve.mark_point(filled=True, opacity=1, size=60, aria=False).encode(tooltip=tooltip),
        curve.transform_filter("datum.best").mark_point(
            size=190, strokeWidth=2, filled=False, aria=False
        ),
    ]


def _loss_layers(words: CurveWords, x: alt.X, colour: alt.Color) -> list[Any]:
    y = alt.Y(
        "loss:Q",
        title=words.loss,
        scale=alt.Scale(zero=False, nice=True, range=LOSS_BAND),
        axis=alt.Axis(orient="left", minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickCount=3),
    )
    kind = alt.StrokeDash(
        "what:N",
        title=None,
        scale=alt.Scale(domain=[words.validation, words.training], range=[[1, 0], [2, 2]]),
        legend=alt.Legend(orient="bottom", direction="horizontal", symbolStrokeColor="gray"),
    )
    tooltip = [alt.Tooltip("what:N", title=" "), alt.Tooltip("loss:Q", format=".3f")]
    training, validation = (
        alt.Chart(alt.NamedData(name)).encode(x=x, y=y, color=colour, tooltip=tooltip)
        for name in ("losses", "epochs")
    )
    return [
        training.mark_line(strokeWidth=1.25).encode(strokeDash=kind),
        validation.mark_line(strokeWidth=2).encode(strokeDash=kind),
        validation.mark_point(filled=True, opacity=1, size=40, aria=False),
    ]


def _losses(steps: Sequence[StepEnd], total: int) -> list[tuple[float, float]]:
    """Return mean (step, loss) of neighbouring steps; their groups do not change as more come."""
    width = max(1, -(-total // MOST_POINTS))
    groups = [steps[start : start + width] for start in range(0, len(steps), width)]
    return [(fmean(s.step for s in group), fmean(s.loss for s in group)) for group in groups]


def _room(values: Sequence[float]) -> tuple[float, float]:
    """Return a range that shows all values, with room for words above and below."""
    low, high = min(values), max(values)
    room = max(0.005, 0.14 * (high - low))
    return round(max(0.0, low - room), 4), round(min(1.0, high + room), 4)


def _at(y: alt.Y, field: str) -> alt.Y:
    """Return the same axis for another field."""
    return alt.Y(f"{field}:Q", title=y["title"], scale=y["scale"], axis=y["axis"])
