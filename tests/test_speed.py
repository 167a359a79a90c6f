import pytest
import torch

from compress_core.compress import compress
from compress_core.precision import choose_precision
from compress_core.recipe import Finetune, Prune, Quantize, Recipe
from compress_core.scenarios import load_scenario
from compress_core.speed import Stepper, compare_step_time, round_ratios, take_turns

RECIPE = Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=4, activation_bits=8)))


def test_a_comparison_changes_nothing_and_says_what_it_measured() -> None:
    scenario = load_scenario("digits/simple-nn")
    compressed = compress(scenario.network, RECIPE, scenario.data)
    before = {n: t.clone() for n, t in compressed.network.module.state_dict().items()}
    times = compare_step_time(compressed, Finetune(), scenario.data, steps=4)

    assert times.steps == 4
    assert times.amp_seconds > 0 and times.fp32_seconds > 0
    assert times.lowest <= times.speedup <= times.highest
    assert times.dtype == choose_precision(compressed.network.module, amp=True).name
    after = compressed.network.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_after_the_time_limit_a_few_rounds_are_enough() -> None:
    scenario = load_scenario("digits/simple-nn")
    stepper = Stepper(scenario.network.module, choose_precision(scenario.network.module, False))
    seconds = take_turns({"fp32": stepper}, scenario.data.train, 32, rounds=1000, limit=0.0)

    assert len(seconds["fp32"]) == 3


def test_a_part_smaller_than_a_batch_is_one_batch() -> None:
    scenario = load_scenario("digits/simple-nn")
    stepper = Stepper(scenario.network.module, choose_precision(scenario.network.module, False))
    seconds = take_turns({"fp32": stepper}, scenario.data.train.head(5), 128, rounds=1)

    assert len(seconds["fp32"]) == 1


def test_ratios_are_taken_round_by_round() -> None:
    assert round_ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    with pytest.raises(ValueError, match="shorter"):
        round_ratios([1.0], [])
