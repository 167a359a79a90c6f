import pytest
import torch

from compress_core.allocation import ALLOCATIONS, erk, lamp

SHAPES = {"conv": (6, 1, 5, 5), "wide": (120, 400), "out": (10, 84)}


def random_scores() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {name: torch.rand(shape, generator=generator) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("name", ALLOCATIONS)
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.8, 0.97])
def test_every_allocation_drops_the_share_asked_for(name: str, sparsity: float) -> None:
    scores = random_scores()
    masks = ALLOCATIONS[name](scores, sparsity)
    total = sum(score.numel() for score in scores.values())
    dropped = sum(int((~mask).sum()) for mask in masks.values())
    # uniform rounds in each of the three layers, the others once.
    assert abs(dropped - sparsity * total) <= (1.5 if name == "uniform" else 0.5)


def test_lamp_scores_are_squares_over_what_is_left() -> None:
    # Squares 1, 4, 9: left with each are 14, 13, 9, so scores 1/14, 4/13, 1. The second layer's
    # squares 1, 1 give 1/2 and 1: the lowest three of all are 1/14, 4/13, 1/2.
    masks = lamp({"a": torch.tensor([1.0, 2.0, 3.0]), "b": torch.tensor([1.0, 1.0])}, 0.6)
    assert masks["a"].tolist() == [False, False, True]
    assert masks["b"].tolist() == [False, True]


def test_erk_keeps_more_of_small_layers() -> None:
    masks = erk({"small": torch.rand(10, 10), "large": torch.rand(100, 100)}, 0.9)
    density = {name: float(mask.double().mean()) for name, mask in masks.items()}
    # Density is proportional to 20/100 and 200/10000, a factor of ten.
    assert density["small"] / density["large"] == pytest.approx(10, rel=0.1)


def test_erk_leaves_layers_dense_that_would_need_more_than_all() -> None:
    masks = erk({"tiny": torch.rand(2, 2), "large": torch.rand(100, 100)}, 0.5)
    assert masks["tiny"].all()
