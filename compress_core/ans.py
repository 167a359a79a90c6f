"""
Symbols <-> bytes: one stream of asymmetric numeral systems (Duda, 2013; by `constriction`).

Writer and Reader have the same method `code`, so that a model of the symbols is written once and
cannot differ between the two ends: the Writer is given symbols, the Reader finds them.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import constriction
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_Categorical = constriction.stream.model.Categorical
_AnsCoder = constriction.stream.stack.AnsCoder


class Coder(Protocol):
    """One end of the stream."""

    def code(self, symbols: Array | None, count: int, weights: Array) -> Array:
        """
        Pass *count* symbols 0..len(weights) - 1, whose probabilities are as the weights.

        The writer takes *symbols* and returns them; the reader takes None. Weights are float64
        and must be computed the same to the last bit at both ends.
        """
        ...


class Writer:
    """Collects symbols; `join` makes bytes of them."""

    def __init__(self) -> None:
        self.steps: list[tuple[Array, Array]] = []
        """Symbols, and the weights that they are coded with."""

    def code(self, symbols: Array | None, count: int, weights: Array) -> Array:
        """Note *symbols* and return them."""
        assert symbols is not None and len(symbols) == count
        if count and len(weights) > 1:
            self.steps.append((np.ascontiguousarray(symbols, np.int32), weights.copy()))
        return symbols


def join(writers: Sequence[Writer]) -> tuple[bytes, list[int]]:
    """Return the bytes of what *writers* collected, one after the other, and the bits of each."""
    coder = _AnsCoder()
    bits = [0]
    # The stream is a stack: what is to be read first must be written last.
    for writer in reversed(writers):
        for symbols, weights in reversed(writer.steps):
            coder.encode_reverse(symbols, _Categorical(weights, perfect=False))
        bits.append(coder.num_valid_bits())
    words = coder.get_compressed().astype("<u4").tobytes()
    return words.rstrip(b"\0"), np.diff(bits)[::-1].tolist()


class Reader:
    """Gives back what a Writer was given, when asked in the same order with equal weights."""

    def __init__(self, data: bytes) -> None:
        words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
        self._coder = _AnsCoder(words)

    def code(self, symbols: Array | None, count: int, weights: Array) -> Array:
        """Return the next *count* symbols (int32)."""
        if not count or len(weights) == 1:
            return np.zeros(count, np.int32)
        found: Array = self._coder.decode(_Categorical(weights, perfect=False), count)
        return found

    def close(self) -> None:
        """Raise ValueError unless exactly everything was read."""
        if not self._coder.is_empty():
            raise ValueError("what was read is not what was written")
