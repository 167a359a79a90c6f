import pytest

from compress_core.compress import compress
from compress_core.finetune import finetune
from compress_core.gradual import raise_masks, share_at
from compress_core.recipe import Finetune, Prune, Recipe
from compress_core.scenarios import load_scenario
from compress_core.trainable import Trainable

SCENARIO = load_scenario("digits/simple-nn")
RECIPE = Recipe(steps=(Prune(sparsity=0.9, schedule="gradual"),))


def test_the_share_follows_a_cubic() -> None:
    # s (1 - (1 - t)^3): half way, 1 - 1/8 of it.
    shares = [share_at(t, 0.8) for t in (0.0, 0.5, 1.0, 1.7)]
    assert shares == pytest.approx([0.0, 0.7, 0.8, 0.8])


def test_masks_grow_from_nothing_to_what_was_asked() -> None:
    compressed = compress(SCENARIO.network, RECIPE, SCENARIO.data)
    trainable = Trainable(compressed)
    before_step = raise_masks(trainable, RECIPE, SCENARIO.data)
    kept = []
    for step in range(100):
        before_step(step, 100)
        kept.append(int(trainable.masks["fc1"].sum()))
    assert kept[0] == 6400
    assert kept == sorted(kept, reverse=True)
    assert kept[59] > kept[60] == kept[99] == 6400 - round(0.9 * 6400)


def test_the_result_is_as_sparse_as_asked_whichever_epoch_was_best() -> None:
    compressed = compress(SCENARIO.network, RECIPE, SCENARIO.data)
    *_, last = finetune(compressed, Finetune(epochs=4, batch_size=64, amp=False), SCENARIO.data)
    assert int(last.result.masks["fc1"].sum()) == 640  # type: ignore[union-attr]
    assert last.best_epoch >= 3  # type: ignore[union-attr]


def test_cancelled_before_the_share_is_reached_the_pruned_start_is_kept() -> None:
    compressed = compress(SCENARIO.network, RECIPE, SCENARIO.data)
    *_, last = finetune(compressed, Finetune(epochs=4), SCENARIO.data, stop=lambda: True)
    assert last.cancelled  # type: ignore[union-attr]
    assert last.result is compressed  # type: ignore[union-attr]
