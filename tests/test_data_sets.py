"""Speech, watch and tissue samples: what the parts share, and what is in them."""

import numpy as np
import pytest
import torch

from compress_core.data_sets import breast_cancer, speech, watch
from compress_core.data_sets.data_set import ASSETS


def test_no_prompt_is_said_in_two_parts() -> None:
    said = [set(speech.prompts()[chosen].tolist()) for chosen in speech.parts().values()]
    assert [len(prompts) for prompts in said] == [380, 94, 157]
    assert len(set.union(*said)) == 380 + 94 + 157
    every = torch.cat(list(speech.parts().values()))
    assert sorted(every.tolist()) == list(range(len(speech.prompts())))


def test_a_prompt_has_one_number_in_every_language() -> None:
    with np.load(ASSETS / "speech" / "speech.npz") as file:
        languages = [set(file["prompt"][file["y"] == number]) for number in range(5)]
    assert len(set.intersection(*languages)) > 450


def test_nobody_is_in_two_parts() -> None:
    train, validation, test = watch.people().values()
    assert sorted((*train, *validation, *test)) == list(range(1, 11))
    assert (len(train), len(validation), len(test)) == (6, 2, 2)


def test_windows_are_those_of_the_people_of_their_part() -> None:
    with np.load(ASSETS / "watch" / "watch.npz") as file:
        stored = dict(file)
    recordings = (np.cumsum(stored["length"]), stored["length"], stored["y"])
    data = watch.load()
    for part in (data.train, data.validation, data.test):
        step = 32 if part.name == "train" else 128
        own = np.isin(stored["person"], watch.people()[part.name])
        expected = {
            (stored["x"][start : start + 128].T.tobytes(), int(y))
            for end, length, y in zip(*(each[own] for each in recordings), strict=True)
            for start in range(end - length, end - 127, step)
        }
        found = {(x.numpy().tobytes(), int(y)) for x, y in zip(part.x, part.y, strict=True)}
        assert found == expected and len(part) == len(expected)


def test_every_tissue_sample_is_in_one_part_with_its_share_of_both_classes() -> None:
    data = breast_cancer.load()
    parts = (data.train, data.validation, data.test)
    counts = [torch.bincount(part.y).tolist() for part in parts]
    assert counts == [[107, 179], [42, 71], [63, 107]]
    assert len({x.numpy().tobytes() for part in parts for x in part.x}) == 569


def test_measures_are_scaled_by_the_training_part_alone() -> None:
    x = breast_cancer.load().train.inputs()
    assert torch.allclose(x.mean(0), torch.zeros(30), atol=1e-4)
    assert torch.allclose(x.std(0, unbiased=False), torch.ones(30), atol=1e-4)


@pytest.mark.parametrize(
    ("load", "shape", "most"),
    [(speech.load, (1, 32, 64), 3), (watch.load, (6, 128), 30)],
    ids=["speech", "watch"],
)
def test_inputs_are_of_the_size_that_networks_like(load, shape, most) -> None:  # type: ignore[no-untyped-def]
    x = load().train.inputs()
    assert x.shape[1:] == shape
    assert abs(float(x.mean())) < 0.05 and 0.8 < float(x.std()) < 1.2
    assert float(x.abs().max()) < most
