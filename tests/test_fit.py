from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from compress_core.data import Data, Part
from compress_core.events import EpochEnd, Finished, Improved, Started, StepEnd
from compress_core.fit import Plan, fit, score, training_loss
from compress_core.precision import Precision, choose_precision

PLAN = Plan(epochs=3, lr=0.02, batch_size=16, amp=False)


def blobs(count: int, name: str, seed: int) -> Part:
    """Return points around (2, 0) and (-2, 0), and the class of each."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 2, (count,), generator=generator)
    x = torch.randn(count, 2, generator=generator) + torch.stack([4.0 * y - 2, 0 * y], 1)
    return Part(name=name, x=x, y=y)  # type: ignore[arg-type]


def data() -> Data:
    test: Part = Untouchable()  # type: ignore[assignment]
    return Data(
        train=blobs(100, "train", 1),
        validation=blobs(60, "validation", 2),
        test=test,
        labels=("left", "right"),
    )


class Untouchable:
    """Fails whoever looks at it."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"{name} was looked at")


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 2))


def told(plan: Plan = PLAN, **how: object) -> list:
    return list(fit(network(), data(), plan, **how))  # type: ignore[arg-type]


def losses(events: list) -> list[float]:
    return [event.loss for event in events if isinstance(event, StepEnd)]


def test_training_tells_its_story_in_order() -> None:
    events = told()
    started, *middle, finished = events
    assert started == Started(
        steps=21, epochs=3, dtype="float32", channels_last=False,
        reason="Mixed precision is switched off.",
    )  # fmt: skip
    steps = [event for event in middle if isinstance(event, StepEnd)]
    epochs = [event for event in middle if isinstance(event, EpochEnd)]
    assert [event.step for event in steps] == list(range(1, 22))
    assert [(event.epoch, event.step) for event in epochs] == [(0, 0), (1, 7), (2, 14), (3, 21)]
    assert epochs[0].loss is None
    assert epochs[1].loss == pytest.approx(sum(losses(events)[:7]) / 7)
    assert isinstance(finished, Finished) and not finished.cancelled
    assert all(event.seconds > 0 for event in steps)
    assert finished.seconds >= sum(event.seconds for event in steps)


def test_two_clouds_are_told_apart() -> None:
    finished = told(replace(PLAN, epochs=10))[-1]
    assert finished.validation_accuracy > 0.9


def test_the_learning_rate_rises_to_its_height_and_falls_to_zero() -> None:
    rates = [event.lr for event in told() if isinstance(event, StepEnd)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(PLAN.lr, rel=0.05)
    assert 0 < top < len(rates) / 4
    assert rates == sorted(rates[: top + 1]) + sorted(rates[top + 1 :], reverse=True)
    assert rates[-1] < PLAN.lr / 100


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_even_a_single_step_moves_something(epochs: int) -> None:
    one_step = replace(data(), train=blobs(16, "train", 1))
    events = list(fit(network(), one_step, replace(PLAN, epochs=epochs)))
    rates = [event.lr for event in events if isinstance(event, StepEnd)]
    assert len(rates) == epochs and max(rates) > PLAN.lr / 10


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, other = told(), told()
    assert losses(one) == losses(other)
    for name, value in one[-1].result.items():
        assert torch.equal(value, other[-1].result[name])


def test_another_seed_gives_other_numbers() -> None:
    assert losses(told()) != losses(told(replace(PLAN, seed=1)))


def test_numbers_do_not_depend_on_the_global_generator_nor_change_it() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one = losses(told())
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    assert losses(told()) == one


def test_validation_samples_are_never_trained_on() -> None:
    other = replace(data(), validation=blobs(60, "validation", 9))
    events = list(fit(network(), other, PLAN))
    assert losses(events) == losses(told())


def test_the_best_state_is_kept_and_put_back() -> None:
    module = network()
    events = list(fit(module, data(), replace(PLAN, epochs=6, lr=0.5)))
    epochs = [event for event in events if isinstance(event, EpochEnd)]
    finished = events[-1]
    accuracies = [event.validation_accuracy for event in epochs]
    assert finished.validation_accuracy == max(accuracies)
    assert finished.best_epoch == accuracies.index(max(accuracies))
    for name, value in module.state_dict().items():
        assert torch.equal(value, finished.result[name])
    classes, _ = score(module, data().validation)
    assert float((classes == data().validation.y).double().mean()) == finished.validation_accuracy
    improved = [event for event in events if isinstance(event, Improved)]
    assert [event.epoch for event in improved] == [event.epoch for event in epochs if event.best]
    assert improved[-1].validation_accuracy == finished.validation_accuracy


def test_training_that_ruins_everything_gives_back_the_start() -> None:
    good = told(replace(PLAN, epochs=10))[-1]
    module = network()
    module.load_state_dict(good.result)
    noise = replace(data(), train=replace(blobs(100, "train", 1), y=1 - blobs(100, "train", 1).y))
    finished = list(fit(module, noise, replace(PLAN, lr=1.0)))[-1]
    assert isinstance(finished, Finished) and finished.best_epoch == 0
    for name, value in module.state_dict().items():
        assert torch.equal(value, good.result[name])


def test_of_equally_good_epochs_the_first_is_kept() -> None:
    events = told(replace(PLAN, lr=1e-7))
    accuracies = [event.validation_accuracy for event in events if isinstance(event, EpochEnd)]
    assert len(set(accuracies)) == 1
    assert events[-1].best_epoch == 0
    assert sum(isinstance(event, Improved) for event in events) == 1


def test_states_that_were_told_are_not_trained_on() -> None:
    kept = {}
    for event in fit(network(), data(), PLAN):
        if isinstance(event, Improved):
            kept[event.epoch] = (event.result, {n: v.clone() for n, v in event.result.items()})
    for result, copy in kept.values():
        assert all(torch.equal(value, copy[name]) for name, value in result.items())


@pytest.mark.parametrize("after", [0, 1, 9])
def test_stopping_keeps_the_best_so_far(after: int) -> None:
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > after

    events = told(stop=stop)
    finished = events[-1]
    assert isinstance(finished, Finished) and finished.cancelled
    assert len(losses(events)) == after
    assert finished.best_epoch <= after // 7
    assert finished.result.keys() == network().state_dict().keys()
    assert (finished.seconds_per_step > 0) == (after > 0)


def test_whoever_stops_listening_ends_it() -> None:
    module = network()
    events = fit(module, data(), PLAN)
    for event in events:
        if isinstance(event, StepEnd):
            break
    events.close()  # type: ignore[attr-defined]
    assert list(events) == []


def test_what_comes_before_a_step_is_told_which_one() -> None:
    told_steps: list[tuple[int, int]] = []
    told(before_step=lambda step, steps: told_steps.append((step, steps)))
    assert told_steps == [(step, 21) for step in range(21)]


def test_a_best_epoch_can_be_asked_to_come_late() -> None:
    events = told(first_best=2)
    assert [event.best for event in events if isinstance(event, EpochEnd)][:3] == [
        False, False, True,
    ]  # fmt: skip
    assert events[-1].best_epoch >= 2


def test_scores_are_the_answers_and_losses_of_every_sample() -> None:
    part = blobs(1001, "validation", 3)
    module = network().train()
    classes, found = score(module, part, batch_size=100)
    assert module.training
    module.eval()
    logits = module(part.x)
    assert torch.equal(classes, logits.argmax(1))
    expected = nn.functional.cross_entropy(logits, part.y, reduction="none")
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_losses_are_float32_and_weights_too_whatever_the_pass_computes_in(
    dtype: torch.dtype,
) -> None:
    seen: list[torch.dtype] = []

    class Watching(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            seen.append(y.dtype)
            return y

    module = Watching(2, 2)
    precision = Precision(device="cpu", dtype=dtype, channels_last=False, reason="")
    loss = training_loss(module, torch.ones(4, 2), torch.zeros(4, dtype=torch.int64), precision)
    loss.backward()
    assert seen == [dtype] and loss.dtype == torch.float32
    assert module.weight.dtype == module.weight.grad.dtype == torch.float32  # type: ignore[union-attr]


def test_wide_convolutions_train_channels_last_and_keep_their_shapes() -> None:
    module = nn.Sequential(nn.Conv2d(16, 16, 3), nn.Flatten(), nn.Linear(64, 2))
    assert choose_precision(module, amp=False, device="cpu").channels_last
    x = torch.randn(32, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    part = Part(name="train", x=x, y=torch.arange(32) % 2)
    pictures = Data(train=part, validation=part, test=part, labels=("a", "b"))
    finished = list(fit(module, pictures, PLAN))[-1]
    assert isinstance(finished, Finished)
    plain = [value.contiguous() for value in finished.result.values()]
    assert [value.shape for value in plain] == [
        value.shape for value in module.state_dict().values()
    ]
