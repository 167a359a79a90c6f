"""Text as token numbers: by a vocabulary, or byte for byte where the network reads bytes."""

import re

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Choices, Question
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError

_WORD = re.compile(r"\w+|[^\w\s]")
BYTES = (256, 257)
"""Sizes of an embedding of bytes, and of one with a token that fills up, number 0."""


class Tokens:
    """Texts -> token numbers in the shape that the network reads; 0 fills up, 1 is unknown."""

    def __init__(self, wanted: Wanted, choices: Choices) -> None:
        self.wanted, self.of = wanted, {w: i for i, w in enumerate(choices.vocabulary)}
        if self.of and wanted.tokens is not None and len(self.of) > wanted.tokens:
            raise IntakeError(
                f"The vocabulary has {len(self.of):,} words, the network knows {wanted.tokens:,}."
            )

    def __call__(self, text: str) -> NDArray[np.int32]:
        """Return the numbers of one text, cut to the network's length."""
        if self.of:
            numbers = [self.of.get(word, 1) for word in _WORD.findall(text.lower())]
        else:
            shift = int(self.wanted.tokens == BYTES[1])
            numbers = [byte + shift for byte in text.encode()]
        values = np.zeros(self.wanted.size, np.int32)
        values[: len(numbers)] = numbers[: self.wanted.size]
        return values.reshape(self.wanted.shape)


def vocabulary_question(wanted: Wanted, choices: Choices) -> Question | None:
    """Return what must be asked before texts can be read, if anything."""
    if choices.vocabulary or wanted.tokens in BYTES:
        return None
    return Question(
        topic="vocabulary",
        text=f"The network knows {wanted.tokens:,} tokens; which word has which number? "
        "Put the list beside the table in a zip, as vocab.txt: one word a line, from number 0.",
    )
