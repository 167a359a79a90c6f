from dataclasses import replace

import pytest
import torch
from torch import nn

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data
from compress_core.evaluate import evaluate
from compress_core.events import EpochEnd, Finished, Improved, Started, StepEnd
from compress_core.finetune import finetune
from compress_core.network import from_module
from compress_core.quantize import BATCH_NORMS
from compress_core.recipe import Finetune, Prune, Quantize, Recipe, RecipeError, Step
from compress_core.scenarios import load_scenario
from tests.nets import fingerprint, hooks, noise_data, thin_resnet
from tests.test_fit import Untouchable

SCENARIO = load_scenario("digits/simple-nn")
DATA = replace(SCENARIO.data, test=Untouchable())  # type: ignore[arg-type]
HARD: tuple[Step, ...] = (Prune(sparsity=0.8), Quantize(weight_bits=3, activation_bits=4))
PLAN = Finetune(epochs=2, lr=0.005, batch_size=64, amp=False)

RECIPES: dict[str, tuple[Step, ...]] = {
    "nothing": (),
    "weights": (Prune(sparsity=0.8),),
    "n:m": (Prune(granularity="n:m", n_of_m="1:4"),),
    "channels": (Prune(sparsity=0.7, granularity="channel"),),
    "rounded": (Quantize(weight_bits=2, activation_bits=3),),
    "affine": (Quantize(weight_bits=3, scheme="affine", granularity="per_tensor"),),
    "codebook": (Prune(sparsity=0.5), Quantize(weight_bits=2, grid="codebook")),
    "powers": (Quantize(weight_bits=3, grid="power_of_two"),),
    "groups": (Quantize(weight_bits=2, granularity="per_group", group_size=16),),
    "all": HARD,
}
each_recipe = pytest.mark.parametrize("steps", RECIPES.values(), ids=RECIPES)


def hard(steps: tuple[Step, ...] = HARD) -> Compressed:
    return compress(SCENARIO.network, Recipe(steps=steps), DATA)


def tuned(compressed: Compressed, plan: Finetune = PLAN, data: Data = DATA, **how: object) -> list:
    return list(finetune(compressed, plan, data, **how))  # type: ignore[arg-type]


def same(one: Compressed, other: Compressed) -> bool:
    states = [c.module.state_dict() for c in (one, other)]
    return states[0].keys() == states[1].keys() and all(
        torch.equal(value, states[1][name]) for name, value in states[0].items()
    )


@each_recipe
@pytest.mark.parametrize("scales", ["fixed", "learned"])
def test_what_is_pruned_stays_zero_and_every_value_on_its_grid(
    scales: str, steps: tuple[Step, ...]
) -> None:
    start = hard(steps)
    result = tuned(start, replace(PLAN, scales=scales))[-1].result  # type: ignore[arg-type]
    assert result.masks.keys() == start.masks.keys()
    assert result.weight_grids.keys() == start.weight_grids.keys()
    for name in result.layer_names:
        weight = result.weight(name)
        assert weight.dtype == torch.float32 and not weight.requires_grad
        if name in result.masks:
            assert torch.equal(result.masks[name], start.masks[name])
            assert not weight[~result.masks[name]].any()
            assert not result.float_weight(name)[~result.masks[name]].any()
        if name in result.weight_grids:
            grid = result.weight_grids[name]
            assert torch.equal(grid.decode(grid.encode(weight)), weight)
            assert grid.bits == start.weight_grids[name].bits
            if scales == "fixed":
                assert torch.equal(grid.scale, start.weight_grids[name].scale)
        assert weight.shape == start.weight(name).shape


@each_recipe
def test_what_is_told_is_what_the_result_achieves(steps: tuple[Step, ...]) -> None:
    start = hard(steps)
    events = tuned(start)
    epochs = [event for event in events if isinstance(event, EpochEnd)]
    first, finished = epochs[0], events[-1]
    before = evaluate(start, DATA.validation)
    assert first.validation_accuracy == before.accuracy.value
    assert first.validation_loss == pytest.approx(before.loss, rel=1e-5)
    after = evaluate(finished.result, DATA.validation).accuracy.value
    assert after == finished.validation_accuracy >= first.validation_accuracy
    for event in events:
        if isinstance(event, Improved):
            now = evaluate(event.result, DATA.validation).accuracy.value
            assert now == event.validation_accuracy == epochs[event.epoch].validation_accuracy


def test_most_of_what_was_lost_comes_back() -> None:
    start = hard((Prune(sparsity=0.9), Quantize(weight_bits=2, activation_bits=4)))
    lost = evaluate(start, DATA.validation).accuracy.value
    won = tuned(start, replace(PLAN, epochs=6))[-1].validation_accuracy
    assert lost < 0.8 < 0.88 < won


def test_the_argument_the_original_and_the_data_stay_as_they_are() -> None:
    start = hard()
    x, y = DATA.train.x.clone(), DATA.train.y.clone()
    before = [fingerprint(network) for network in (start.network, start.original)]
    shipped = {name: start.weight(name).clone() for name in start.layer_names}
    generator = torch.random.get_rng_state()
    tuned(start)
    assert [fingerprint(network) for network in (start.network, start.original)] == before
    assert all(torch.equal(start.weight(name), weight) for name, weight in shipped.items())
    assert torch.equal(DATA.train.x, x) and torch.equal(DATA.train.y, y)
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert hooks(start.module) == 0


def test_the_same_seed_gives_the_same_network_and_another_seed_another() -> None:
    one, again, other = (tuned(hard(), replace(PLAN, seed=seed)) for seed in (0, 0, 1))

    def losses(events: list) -> list[float]:
        return [event.loss for event in events if isinstance(event, StepEnd)]

    assert losses(one) == losses(again) != losses(other)
    assert same(one[-1].result, again[-1].result)
    assert not same(one[-1].result, other[-1].result)


def test_without_labels_only_the_original_can_be_asked() -> None:
    train = replace(DATA.train, against="original", y=torch.zeros_like(DATA.train.y))
    unlabelled = replace(DATA, train=train)
    for share in (0.0, 0.9):
        with pytest.raises(RecipeError, match="set teacher to 1"):
            tuned(hard(), replace(PLAN, teacher=share), unlabelled)
    start, end = hard(), tuned(hard(), replace(PLAN, teacher=1.0), unlabelled)[-1]
    before = evaluate(start, DATA.validation).accuracy.value
    assert end.validation_accuracy > before + 0.05


def test_a_ruinous_learning_rate_gives_back_the_start() -> None:
    start = hard((Prune(sparsity=0.3),))
    finished = tuned(start, replace(PLAN, lr=1.0, epochs=1))[-1]
    assert finished.best_epoch == 0
    assert same(finished.result, start)


def test_cancelled_between_steps_it_keeps_the_best_so_far() -> None:
    steps = 0

    def stop() -> bool:
        nonlocal steps
        steps += 1
        return steps > 20  # the first epoch has 17

    events = tuned(hard(), stop=stop)
    finished = events[-1]
    assert isinstance(finished, Finished) and finished.cancelled
    assert sum(isinstance(event, StepEnd) for event in events) == 20
    assert finished.best_epoch == 1
    accuracy = evaluate(finished.result, DATA.validation).accuracy.value
    assert accuracy == finished.validation_accuracy


def test_cancelled_at_once_it_gives_back_the_start() -> None:
    start = hard()
    finished = tuned(start, stop=lambda: True)[-1]
    assert finished.cancelled and same(finished.result, start)


def test_validation_is_not_trained_on() -> None:
    other = replace(DATA, validation=replace(DATA.validation, y=(DATA.validation.y + 1) % 10))
    one, two = (
        [event.loss for event in tuned(hard(), data=data) if isinstance(event, StepEnd)]
        for data in (DATA, other)
    )
    assert one == two


def test_samples_are_the_first_of_the_training_part() -> None:
    events = tuned(hard(), replace(PLAN, samples=100, epochs=1))
    assert events[0].steps == 2
    short = replace(DATA, train=DATA.train.head(100))
    by_hand = tuned(hard(), replace(PLAN, epochs=1), short)
    assert [e.loss for e in events if isinstance(e, StepEnd)] == [
        e.loss for e in by_hand if isinstance(e, StepEnd)
    ]
    assert tuned(hard(), replace(PLAN, samples=10**9, epochs=1))[0].steps == 17


@pytest.mark.parametrize("amp", [True, False])
def test_mixed_precision_is_what_it_says_and_results_are_float32(
    amp: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    started, *_, finished = tuned(hard(), replace(PLAN, amp=amp))
    assert isinstance(started, Started)
    assert started.dtype == finished.dtype == ("bfloat16" if amp else "float32")
    assert all(v.dtype == torch.float32 for v in finished.result.graph.state_dict().values())
    # Validation is in float32, so what was told is what everybody measures.
    accuracy = evaluate(finished.result, DATA.validation).accuracy.value
    assert accuracy == finished.validation_accuracy


def test_batch_norms_that_are_left_learn_and_residuals_stay_tied() -> None:
    network = thin_resnet()
    data = replace(noise_data(network), test=Untouchable())  # type: ignore[arg-type]
    steps = (Prune(sparsity=0.5, granularity="channel"), Prune(sparsity=0.5))
    start = compress(network, Recipe(steps=steps), data)
    before = fingerprint(network)
    # Noise cannot be learnt: look at a state that was not the best.
    events = tuned(start, replace(PLAN, epochs=3, batch_size=32, lr=0.05), data)
    result = [event for event in events if isinstance(event, Improved)][-1].result
    norms = [m for m in result.module.modules() if isinstance(m, BATCH_NORMS)]
    assert len(norms) == 21 and not any(norm.training for norm in norms)
    assert fingerprint(network) == before
    assert result.module(data.train.inputs(0, 3)).shape == (3, 10)


def test_a_result_can_be_tuned_on() -> None:
    first = tuned(hard())[-1]
    second = tuned(first.result)[-1]
    assert second.validation_accuracy >= first.validation_accuracy
    assert isinstance(second.result.module, nn.Module)


class Viewing(nn.Module):
    """Wide convolutions, whose answer is taken as a view; *folds* its input into a picture."""

    def __init__(self, folds: bool) -> None:
        super().__init__()
        self.folds = folds
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 3), nn.Conv2d(16, 16, 3)
        self.fc = nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.view(-1, 1, 8, 8) if self.folds else x
        return self.fc(self.conv2(self.conv1(x)).view(-1, 256))


@pytest.mark.parametrize("shape", [(1, 8, 8), (64,)])
def test_views_and_inputs_that_are_no_pictures_are_trained_in_any_layout(
    shape: tuple[int, ...],
) -> None:
    network = from_module(Viewing(folds=len(shape) == 1), shape, DATA.labels, "viewing")
    data = noise_data(network)
    start = compress(network, Recipe(steps=(Quantize(weight_bits=4),)), data)
    events = tuned(start, replace(PLAN, epochs=1), data)
    (started,) = (event for event in events if isinstance(event, Started))
    assert started.channels_last == (len(shape) == 3)
    assert events[-1].result.weight("fc").shape == (10, 256)
