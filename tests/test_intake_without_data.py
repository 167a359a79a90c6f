import pytest

from compress_core.compress import compress
from compress_core.intake.without_data import without_data
from compress_core.recipe import Factorize, Finetune, Prune, Quantize, Recipe, RecipeError, Step
from tests.nets import untrained

SINGLE: dict[str, Step] = {
    "l1": Prune(sparsity=0.5, criterion="l1"),
    "random": Prune(sparsity=0.5, criterion="random"),
    "taylor": Prune(sparsity=0.5, criterion="taylor"),
    "wanda": Prune(sparsity=0.5, criterion="wanda"),
    "channels": Prune(sparsity=0.5, granularity="channel"),
    "channels by taylor": Prune(sparsity=0.5, granularity="channel", criterion="taylor"),
    "ranks": Factorize(rank=0.5),
    "weights": Quantize(weight_bits=4),
    "weights to a codebook": Quantize(weight_bits=4, grid="codebook"),
    "equalized": Quantize(weight_bits=4, equalize=True),
    "learned": Quantize(weight_bits=4, rounding="learned"),
    "corrected": Quantize(weight_bits=4, bias_correction=True),
    "activations": Quantize(weight_bits=None, activation_bits=8),
    "both": Quantize(weight_bits=8, activation_bits=8),
}  # fmt: skip


@pytest.mark.parametrize("step", SINGLE.values(), ids=SINGLE)
def test_what_is_said_to_need_samples_is_what_fails_without_them(step: Step) -> None:
    recipe = Recipe(steps=(step,))
    if without_data(recipe).blocked:
        with pytest.raises(RecipeError, match="sample data"):
            compress(untrained("simple-nn"), recipe)
    else:
        compress(untrained("simple-nn"), recipe)


def test_weights_alone_need_no_samples_but_accuracy_stays_unknown() -> None:
    free = without_data(Recipe(steps=(Prune(sparsity=0.5), Quantize(weight_bits=4))))
    assert free.blocked == ()
    assert free.unknown == (
        "whether the answers are still right, or still those of the original",
        "which classes suffer",
        "the batch-norm statistics of what is left: they stay as they were",
    )


def test_each_need_is_named_once() -> None:
    steps = (Quantize(weight_bits=8, activation_bits=8), Quantize(weight_bits=4, activation_bits=8))
    recipe = Recipe(steps=steps, finetune=Finetune(epochs=1))
    assert without_data(recipe).blocked == ("rounding activations", "fine-tuning")
