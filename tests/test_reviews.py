"""Food reviews: what the parts share, what the words are, what the networks are told."""

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data_sets import reviews
from compress_core.exporters import onnx
from compress_core.fit_file import from_bytes, to_bytes
from compress_core.network import from_module
from compress_core.recipe import Quantize, Recipe
from compress_core.train import forget_words
from compress_core.zoo.reviews import LENGTH, PADDING, UNKNOWN, WORDS, ReviewTransformer


def told(part: str) -> list[int]:
    return reviews.parts()[part].tolist()  # type: ignore[index]


def test_every_review_is_in_one_part() -> None:
    numbers = [*told("train"), *told("validation"), *told("test")]
    assert sorted(numbers) == list(range(5000))
    assert (len(told("train")), len(told("validation")), len(told("test"))) == (3489, 506, 1005)


@pytest.mark.parametrize("what", ["products", "beginnings", "tokens"])
def test_no_two_parts_share(what: str) -> None:
    def said(part: str) -> set[str]:
        if what == "products":
            return {reviews.products()[i] for i in told(part)}
        texts = [reviews.texts()[i] for i in told(part)]
        if what == "beginnings":
            return {" ".join(re.findall(r"[a-z]+|[!?]", text.lower())[:20]) for text in texts}
        return {str(reviews.encode(text).tolist()) for text in texts}

    train, validation, test = (said(part) for part in ("train", "validation", "test"))
    assert not train & validation and not train & test and not validation & test


def test_a_review_becomes_numbers_of_words() -> None:
    known = reviews.vocabulary()
    code = reviews.encode("The BEST tea, isn't it?! qqqxyzzy")
    assert torch.equal(code, reviews.encode("<br />The BEST<i>tea</i>, isn't it?! qqqxyzzy"))
    words = ["the", "best", "tea", "isn't", "it", "?", "!"]
    assert code[:7].tolist() == [known[word] for word in words]
    assert code[7:].tolist() == [UNKNOWN] + [PADDING] * (LENGTH - 8)
    assert code.dtype == torch.int64


def test_long_reviews_are_cut_and_nothing_is_all_padding() -> None:
    assert reviews.encode("good " * 500).tolist() == [reviews.vocabulary()["good"]] * LENGTH
    assert reviews.encode("").tolist() == [PADDING] * LENGTH


def test_only_frequent_words_of_the_training_part_are_known() -> None:
    known = reviews.vocabulary()
    assert sorted(known.values()) == list(range(2, WORDS))
    counts = Counter(w for i in told("train") for w in reviews.words(reviews.texts()[i]))
    most = max(counts, key=lambda word: counts[word])
    assert known[most] == 2
    rarest = min(counts[word] for word in known)
    assert all(counts[word] <= rarest for word in counts.keys() - known.keys())


def test_the_data_are_the_texts_in_numbers() -> None:
    data = reviews.load()
    first = told("test")[0]
    assert data.test.inputs(0, 1)[0].tolist() == reviews.encode(reviews.texts()[first]).tolist()
    assert int(data.test.y[0]) == reviews.verdicts()[first]
    assert data.labels == ("other", "great")
    assert data.train.inputs(0, 2).dtype == torch.int64


def test_half_of_the_words_are_forgotten_and_the_padding_stays() -> None:
    x = reviews.load().train.inputs(0, 200)
    forgotten = forget_words(x, torch.Generator().manual_seed(0))
    changed = forgotten != x
    assert set(forgotten[changed].tolist()) == {UNKNOWN}
    assert not changed[x == PADDING].any()
    assert 0.47 < float(changed[x > UNKNOWN].float().mean()) < 0.53


@lru_cache
def attentive(weight_bits: int, activation_bits: int | None) -> Compressed:
    torch.manual_seed(0)
    module = ReviewTransformer()
    # As far from each other as trained words are, so that attention has something to choose from.
    with torch.no_grad():
        module.embedding.weight.mul_(50)
    network = from_module(module, (LENGTH,), ("other", "great"), "transformer")
    step = Quantize(weight_bits=weight_bits, activation_bits=activation_bits)  # type: ignore[arg-type]
    return compress(network, Recipe(steps=(step,)), reviews.load())


def test_attention_is_the_same_in_onnx_runtime_to_the_last_bit(tmp_path: Path) -> None:
    compressed, x = attentive(8, 8), reviews.load().test.inputs(0, 100)
    onnx.write(compressed, tmp_path / "reviews.onnx")
    answer = onnx.open_file(tmp_path / "reviews.onnx", compressed)(x)
    preview = compressed.module(x)
    assert torch.equal(answer, preview) and len(preview.unique()) > 20


def test_attention_survives_the_packed_file() -> None:
    compressed, x = attentive(4, None), reviews.load().test.inputs(0, 20)
    assert torch.equal(from_bytes(to_bytes(compressed).data).module(x), compressed.module(x))


def test_every_word_of_a_review_is_work() -> None:
    macs = {layer.name: layer.macs for layer in attentive(8, 8).network.layers}
    assert macs["embedding"] == 0
    assert macs["block.wide"] == LENGTH * 24 * 48 and macs["fc"] == 48
