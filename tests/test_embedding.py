"""Embeddings are pruned, rounded, counted, packed and shipped as other layers are."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.exporters import executorch, ncnn, pt2
from compress_core.exporters import onnx as onnx_file
from compress_core.fit_file import from_bytes, to_bytes
from compress_core.network import Network, example, from_module
from compress_core.prune import prune_channels
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.sizes import sizes

WORDS, SIZE, LENGTH = 30, 8, 12


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, SIZE)
        self.conv = nn.Conv1d(SIZE, 16, 3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool1d(LENGTH)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.words(x.long()).transpose(1, 2)
        logits: Tensor = self.fc(self.flatten(self.pool(self.relu(self.conv(x)))))
        return logits


@lru_cache
def reader() -> Network:
    torch.manual_seed(0)
    return from_module(Reader(), (LENGTH,), ("other", "great"), "reader")


@lru_cache
def data() -> Data:
    """Return random texts in which words of small numbers are frequent."""
    generator = torch.Generator().manual_seed(1)
    x = (torch.rand(300, LENGTH, generator=generator).square() * WORDS).to(torch.int32)
    y = torch.zeros(300, dtype=torch.int64)
    train, validation, test = (Part(name=n, x=x, y=y) for n in ("train", "validation", "test"))
    return Data(train=train, validation=validation, test=test, labels=("other", "great"))


def made(*steps: Prune | Quantize) -> Compressed:
    return compress(reader(), Recipe(steps=steps), data())


def words_of(compressed: Compressed) -> Tensor:
    return compressed.module.get_submodule("words").weight  # type: ignore[return-value]


def test_an_embedding_is_a_layer_that_multiplies_nothing() -> None:
    words, conv, fc = reader().layers
    assert (words.name, words.kind, words.shape) == ("words", "embedding", (WORDS, SIZE))
    assert (words.parameters, words.macs) == (240, 0)
    assert (conv.macs, fc.macs) == (12 * 16 * 8 * 3, 32)


def test_tokens_are_the_example_of_a_network_that_reads_them() -> None:
    assert example(reader(), 3).dtype == torch.int64
    assert tuple(example(reader(), 3).shape) == (3, LENGTH)


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 16])
@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
def test_rows_are_rounded_as_numpy_rounds_them(bits: int, granularity: str) -> None:
    step = Quantize(weight_bits=bits, granularity=granularity, layers="words")  # type: ignore[arg-type]
    weight = reader().module.get_submodule("words").weight.numpy()  # type: ignore[operator]
    axis = 1 if granularity == "per_channel" else None
    top = 2 ** (bits - 1) - 1
    scale = np.abs(weight).max(axis, keepdims=True) / top
    expected = np.round(weight / scale) * scale
    tolerance = 1e-6 * np.abs(weight).max()
    assert np.abs(words_of(made(step)).numpy() - expected).max() <= tolerance


def test_the_smallest_weights_go_and_no_other() -> None:
    before = reader().module.get_submodule("words").weight
    assert isinstance(before, Tensor)
    after = words_of(made(Prune(sparsity=0.4, layers="words")))
    assert int((after == 0).sum()) == 96  # 0.4 x 240
    assert float(before[after == 0].abs().max()) < float(after[after != 0].abs().min())
    assert torch.equal(after[after != 0], before[after != 0])


def test_wanda_weighs_a_word_by_how_often_it_is_read() -> None:
    step = Prune(sparsity=0.4, layers="words", criterion="wanda")
    before = reader().module.get_submodule("words").weight
    assert isinstance(before, Tensor)
    counts = np.bincount(data().train.x[:256].flatten().numpy(), minlength=WORDS)
    scores = before.abs().numpy() * np.sqrt(counts)[:, None]
    expected = np.argsort(scores, axis=None, kind="stable")[:96]
    assert set(np.flatnonzero(words_of(made(step)).numpy() == 0)) == set(expected.tolist())


RECIPES = {
    "int8": (Quantize(weight_bits=8, activation_bits=8),),
    "pruned to 4 bits": (Prune(sparsity=0.5), Quantize(weight_bits=4, activation_bits=8)),
    "3 bits of one step": (Quantize(weight_bits=3, granularity="per_tensor"),),
    "codebook": (Quantize(weight_bits=3, grid="codebook"),),
    "groups": (Quantize(weight_bits=4, granularity="per_group", group_size=4),),
    "learned": (Quantize(weight_bits=3, rounding="learned"),),
    "corrected": (Quantize(weight_bits=4, equalize=True, bias_correction=True),),
}
each_recipe = pytest.mark.parametrize("recipe", RECIPES)


@each_recipe
def test_the_packed_file_gives_the_same_answers(recipe: str) -> None:
    compressed = made(*RECIPES[recipe])
    x, packed = data().test.inputs(), to_bytes(compressed)
    read = from_bytes(packed.data)
    assert torch.equal(read.module(x), compressed.module(x))
    assert torch.equal(read.answer(data().test.x), compressed.module(x))
    assert sizes(compressed).packed_bytes == len(packed.data)


def test_the_size_of_an_embedding_is_counted() -> None:
    (words, *_) = sizes(made(Quantize(weight_bits=8, layers="words"))).layers
    assert (words.name, words.fp32_bytes) == ("words", 4 * WORDS * SIZE)
    # 240 codes of at most a byte and 30 scales of four.
    assert 4 * WORDS < words.packed_bytes < 240 + 4 * WORDS + 40


@pytest.mark.parametrize("recipe", ["int8", "pruned to 4 bits", "codebook", "groups"])
def test_onnx_runtime_answers_as_the_preview(recipe: str, tmp_path: Path) -> None:
    compressed = made(*RECIPES[recipe])
    path = tmp_path / "reader.onnx"
    onnx_file.write(compressed, path)
    x = data().test.inputs()
    answer, preview = onnx_file.open_file(path, compressed)(x), compressed.module(x)
    gap = float((answer - preview).abs().max())
    assert gap == 0 if compressed.activation_grids else gap < 1e-6
    assert len(preview.unique()) > 20
    model = onnx.load(path)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.INT64
    (codes,) = (t for t in model.graph.initializer if t.name == "words.weight.codes")
    assert numpy_helper.to_array(codes).size == WORDS * SIZE
    assert codes.data_type != onnx.TensorProto.FLOAT


def test_pt2_answers_as_the_preview(tmp_path: Path) -> None:
    compressed = made(*RECIPES["int8"])
    pt2.write(compressed, tmp_path / "reader.pt2")
    x = data().test.inputs()
    assert torch.equal(pt2.open_file(tmp_path / "reader.pt2", compressed)(x), compressed.module(x))


def test_executorch_answers_as_the_preview_and_tells_what_it_keeps_in_floats(
    tmp_path: Path,
) -> None:
    compressed = made(*RECIPES["int8"])
    written = executorch.write(compressed, tmp_path / "reader.pte")
    x = data().test.inputs(0, 50)
    answer = executorch.open_file(tmp_path / "reader.pte", compressed)(x)
    assert torch.equal(answer, compressed.module(x))
    assert written.weights == "8 bit codes" and "embedding.out ×2" in written.floats


def test_ncnn_reads_whole_numbers(tmp_path: Path) -> None:
    compressed = made(*RECIPES["3 bits of one step"])
    ncnn.write(compressed, tmp_path / "reader.zip")
    x = data().test.inputs(0, 50)
    gap = ncnn.open_file(tmp_path / "reader.zip", compressed)(x) - compressed.module(x)
    assert float(gap.abs().max()) < 0.01  # weights are floats of 16 bits there


def test_channels_go_and_the_embedding_stays() -> None:
    def scorer(step: Prune, names: list[str]) -> dict[str, Tensor]:
        return {n: reader().module.get_submodule(n).weight.abs() for n in names}  # type: ignore

    small, _ = prune_channels(reader(), [Prune(sparsity=0.5, granularity="channel")], scorer)
    assert [layer.shape for layer in small.layers] == [(WORDS, SIZE), (8, SIZE, 3), (2, 8)]
