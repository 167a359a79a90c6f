from math import log

import pytest
import torch
from torch import Tensor, nn

from compress_core.compress import compress
from compress_core.data import Part
from compress_core.evaluate import evaluate, recalls
from compress_core.measured import proportion
from compress_core.network import from_module
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import load_scenario
from tests.nets import fingerprint, noise_data, untrained


class Echo(nn.Module):
    """Answers with its input."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 1.0


def votes(*answers: int, classes: tuple[int, ...]) -> Part:
    """Return samples that `Echo` answers as told, with a lead of log 3 over two other classes."""
    x = torch.nn.functional.one_hot(torch.tensor(answers), 3) * log(3)
    return Part(name="validation", x=x, y=torch.tensor(classes))


def test_right_answers_are_counted_by_hand() -> None:
    part = votes(0, 0, 1, 2, 2, 2, classes=(0, 1, 1, 2, 2, 0))
    found = evaluate(Echo(), part)
    assert found.accuracy == proportion(4, 6)
    assert found.per_class == (proportion(1, 2), proportion(1, 2), proportion(2, 2))
    # Softmax gives 3/5 to the leading class and 1/5 to each other.
    assert found.loss == pytest.approx((4 * -log(3 / 5) + 2 * -log(1 / 5)) / 6, rel=1e-6)
    assert found.part == "validation"


def test_a_class_without_samples_has_no_recall() -> None:
    assert evaluate(Echo(), votes(0, 2, classes=(0, 2))).per_class == (
        proportion(1, 1), None, proportion(1, 1),
    )  # fmt: skip


def test_every_class_that_a_network_knows_has_its_place() -> None:
    network = from_module(Echo(), (3,), ("a", "b", "c"), "echo")
    part = votes(0, 1, classes=(0, 0))
    for model in (network, compress(network, Recipe())):
        assert evaluate(model, part).per_class == (proportion(1, 2), None, None)


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(ValueError, match="validation part has no samples"):
        evaluate(Echo(), votes(0, classes=(0,)).head(0))


def test_the_size_of_batches_does_not_matter() -> None:
    scenario = load_scenario("fashion-mnist/lenet-5")
    part = scenario.data.validation.head(1203)  # batches of 500 and a rest
    module, right = scenario.network.module, 0
    with torch.no_grad():
        for index in range(len(part)):
            answer = module(part.inputs(index, index + 1)).argmax()
            right += int(answer == part.y[index])
    assert evaluate(scenario.network, part).accuracy == proportion(right, 1203)


def test_a_compressed_network_is_judged_as_it_is_shipped() -> None:
    network = untrained("lenet-5")
    data = noise_data(network, others=200)
    recipe = Recipe(steps=(Prune(sparsity=0.8), Quantize(weight_bits=2, activation_bits=2)))
    compressed = compress(network, recipe, data)
    with torch.no_grad():
        answers = compressed.module(data.test.inputs()).argmax(1)
    right = int((answers == data.test.y).sum())
    assert evaluate(compressed, data.test).accuracy == proportion(right, 200)
    assert evaluate(compressed.module, data.test).accuracy == proportion(right, 200)


def test_judging_changes_nothing_and_leaves_modes_as_they_were() -> None:
    network = untrained("vgg-small")
    data = noise_data(network)
    before = fingerprint(network)
    evaluate(network, data.test)
    assert fingerprint(network) == before
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10)).train()
    found = [evaluate(module, data.test).loss for _ in range(2)]
    assert found[0] == found[1] and module.training


def test_classes_that_nobody_asked_for_have_no_share() -> None:
    right = torch.tensor([True, False, True, True])
    found = recalls(right, torch.tensor([0, 0, 2, 2]), 4)
    assert [r and (r.value, r.n) for r in found] == [(0.5, 2), None, (1.0, 2), None]
