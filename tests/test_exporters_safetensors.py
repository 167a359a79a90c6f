import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from compress_core.exporters.safetensors import open_file, write
from compress_core.recipe import Recipe
from tests.exports import STEPS, compressed, preview, samples

LENET_5 = "fashion-mnist/lenet-5"


@pytest.mark.parametrize("name", STEPS)
def test_the_file_answers_as_the_preview(name: str, tmp_path: Path) -> None:
    of, x = compressed(LENET_5, name), samples(LENET_5, 64)
    path = tmp_path / "network.safetensors"
    write(of, path)

    assert torch.equal(open_file(path, of)(x), preview(of, x))


def test_codes_times_scale_are_the_weights_and_the_recipe_is_in_the_metadata(
    tmp_path: Path,
) -> None:
    of = compressed(LENET_5, "w8a8")
    path = tmp_path / "network.safetensors"
    write(of, path)

    with safe_open(path, "pt") as file:
        codes, scale = file.get_tensor("fc1.weight"), file.get_tensor("fc1.weight_scale")
        metadata = file.metadata()
    assert codes.dtype == torch.int8
    assert torch.equal(codes * scale[:, None], of.weight("fc1"))
    assert Recipe.from_json(metadata["recipe"]) == of.recipe
    assert json.loads(metadata["labels"])[1] == "Trouser"
    assert json.loads(metadata["input_shape"]) == [1, 28, 28]
