import json
from collections.abc import Sequence

import pytest

from compress_core.curves import CurveWords, Level, training_spec
from compress_core.events import EpochEnd, Finished, StepEnd
from compress_core.roles import Roles

ROLES, WORDS = Roles(), CurveWords()
LEVELS = (
    Level(value=0.91, text="Original 91.0 %", role=ROLES.original),
    Level(value=0.80, text="Compressed, before 80.0 %", role=ROLES.compressed, below=True),
)


def step(number: int, loss: float = 1.0) -> StepEnd:
    return StepEnd(step=number, loss=loss, lr=0.001, seconds=0.01)


def epoch(number: int, accuracy: float, best: bool = True) -> EpochEnd:
    return EpochEnd(
        epoch=number,
        step=10 * number,
        loss=None,
        validation_loss=0.5,
        validation_accuracy=accuracy,
        best=best,
    )


def drawn(events: Sequence[object], epochs: int = 4, steps: int = 40) -> dict[str, list[dict]]:
    return training_spec(events, epochs, steps, LEVELS, ROLES, WORDS)["datasets"]


def test_before_anything_happens_the_levels_are_there() -> None:
    data = drawn([], steps=0)

    assert data["epochs"] == [] and data["losses"] == []
    assert [level["value"] for level in data["levels"]] == [0.91, 0.80]


def test_each_epoch_is_a_point_and_one_of_them_is_the_best() -> None:
    events = [epoch(0, 0.80), epoch(1, 0.88), epoch(2, 0.86, best=False)]
    points = drawn([*events, Finished])["epochs"]

    assert [(p["epoch"], p["accuracy"]) for p in points] == [(0, 0.80), (1, 0.88), (2, 0.86)]
    assert [p["best"] for p in points] == [False, True, False]


def test_losses_are_means_of_neighbours_on_the_axis_of_epochs() -> None:
    losses = drawn([step(n, loss=float(n)) for n in range(1, 5)], epochs=2, steps=320)["losses"]

    assert [(p["epoch"], p["loss"]) for p in losses] == [
        (pytest.approx(1.5 * 2 / 320), 1.5),
        (pytest.approx(3.5 * 2 / 320), 3.5),
    ]


@pytest.mark.parametrize("count", [1, 159, 160, 161, 8600])
def test_a_long_run_has_no_more_points_than_a_short_one(count: int) -> None:
    losses = drawn([step(n) for n in range(1, count + 1)], steps=count)["losses"]

    assert 0 < len(losses) <= 160


def test_points_that_are_drawn_stay_where_they_are_as_more_come() -> None:
    steps = [step(n, loss=1 / n) for n in range(1, 1001)]
    half, whole = (drawn(steps[:n], steps=1000)["losses"] for n in (497, 1000))

    assert half[:-1] == whole[: len(half) - 1]


def test_the_range_shows_every_value_and_level() -> None:
    spec = training_spec([epoch(0, 0.42), epoch(1, 0.97)], 4, 40, LEVELS, ROLES, WORDS)
    axes = json.dumps(spec)
    low, high = spec["layer"][0]["layer"][3]["encoding"]["y"]["scale"]["domain"]

    assert low < 0.42 and 0.97 < high <= 1
    assert '"domain": [0, 4]' in axes


def test_it_names_roles_and_no_colours() -> None:
    assert "#" not in json.dumps(training_spec([], 1, 0, LEVELS, ROLES, WORDS))
