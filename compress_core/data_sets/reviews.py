"""Food reviews, great or other: words as numbers, out of one file of texts."""

import gzip
import json
from collections import Counter
from functools import cache
from re import compile as pattern

import torch
from torch import Tensor

from compress_core.data import Data, PartName
from compress_core.data_sets.data_set import ASSETS, DataSet, data_of, drawn, members
from compress_core.zoo.reviews import LENGTH, PADDING, UNKNOWN, WORDS

BEGINNING = 15
"""Words by which two reviews are taken for one text."""
_MARKUP = pattern(r"<[^<>]*>")
_WORD = pattern(r"[a-z]+(?:'[a-z]+)?|[!?]")


def load() -> Data:
    """Return some 3,500 reviews to learn from, 500 to choose by and 1,000 to judge by."""
    x = torch.stack([encode(text) for text in texts()]).to(torch.int32)
    return data_of(x, torch.tensor(verdicts()), parts(), ("other", "great"))


def encode(text: str) -> Tensor:
    """Return the numbers of the first words of *text*: int64, `LENGTH` of them."""
    known = vocabulary()
    numbers = [known.get(word, UNKNOWN) for word in words(text)[:LENGTH]]
    return torch.tensor(numbers + [PADDING] * (LENGTH - len(numbers)))


def words(text: str) -> list[str]:
    """Return the words of *text* in small letters; marks that shout or ask are words too."""
    return _WORD.findall(_MARKUP.sub(" ", text.lower()))


@cache
def vocabulary() -> dict[str, int]:
    """Return the number of each known word, frequent words first; from the training part alone."""
    counts = Counter(word for i in parts()["train"].tolist() for word in words(texts()[i]))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: number for number, word in enumerate(ordered[: WORDS - 2], start=2)}


@cache
def parts() -> dict[PartName, Tensor]:
    """
    Return which reviews belong to which part.

    Every review is of a product of its own. Some people wrote the same about several, with another
    end here and there: what begins alike is drawn together, so no product and no such text is in
    two parts.
    """
    begun = [" ".join(words(text)[:BEGINNING]) for text in texts()]
    number = {text: i for i, text in enumerate(dict.fromkeys(begun))}
    by_text = drawn(len(number), validation=500, test=1000)
    return members(by_text, torch.tensor([number[text] for text in begun]))


def products() -> tuple[str, ...]:
    """Return which product each review is about."""
    return _rows()[0]


def texts() -> tuple[str, ...]:
    """Return what each review says."""
    return _rows()[1]


def verdicts() -> tuple[int, ...]:
    """Return 1 for each review that calls its product great (five stars of five), otherwise 0."""
    return _rows()[2]


@cache
def _rows() -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    packed = (ASSETS / "reviews" / "reviews.json.gz").read_bytes()
    product, text, great = zip(*json.loads(gzip.decompress(packed)), strict=True)
    return product, text, great


REVIEWS = DataSet(
    load=load,
    input_shape=(LENGTH,),
    title="Food reviews",
    question="Does this review praise the food?",
    licence="MIT",
)
