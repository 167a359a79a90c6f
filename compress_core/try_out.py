"""A network and its compressed self, asked the same: what they answer, how sure, how fast."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from compress_core.compressed import Compressed
from compress_core.data import Part, PartName
from compress_core.exporters import onnx
from compress_core.exporters.export import original_runner
from compress_core.exporters.targets import TARGETS
from compress_core.latency import Latency, compare

MOST_DIFFERENCES = 6
"""Samples with two answers that are looked for."""
BATCH = 100
"""Samples that are asked at once."""
BUDGET = 20e9
"""Multiply-accumulates of one network that looking for differences may take: a second or two."""
TIMING = 0.5
"""Seconds for which two files are called in turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a network says to one sample: a share of its certainty for each class, 1 in all."""

    probabilities: tuple[float, ...]

    @property
    def predicted(self) -> int:
        """The class that it holds for the likeliest; the first one of equals."""
        return self.probabilities.index(max(self.probabilities))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What original and compressed network say to one sample."""

    original: Answer
    compressed: Answer

    @property
    def agree(self) -> bool:
        """Whether both name the same class."""
        return self.original.predicted == self.compressed.predicted

    def likeliest(self, count: int) -> list[int]:
        """
        Return the *count* classes that either of them holds for likely, the likeliest first.

        Both predicted classes are among them.
        """
        pairs = zip(self.original.probabilities, self.compressed.probabilities, strict=True)
        most = [max(pair) for pair in pairs]
        named = {self.original.predicted, self.compressed.predicted}
        # What is named comes before what ties with it.
        order = sorted(range(len(most)), key=lambda i: (i not in named, -most[i]))[:count]
        return sorted(order, key=lambda i: (-most[i], i))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A sample of a part, by its number from 0 on, to which two networks say two things."""

    sample: int
    truth: int
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The first differences on a part, and how many of its samples were looked at for them."""

    found: tuple[Difference, ...]
    looked_at: int
    part: PartName


def answers(compressed: Compressed, x: Tensor) -> Answers:
    """
    Ask a compressed network and its original about one sample.

    *x* is 1 x (sample shape), as the network reads it. Probabilities are the softmax of what the
    network puts out (Bridle, 1990); they are what it believes, not how often it is right. Raises
    ValueError when an output is no number.
    """
    return next(_asked(compressed, x))


def first_differences(
    compressed: Compressed, part: Part, most: int = MOST_DIFFERENCES
) -> Differences:
    """
    Look through *part* in order until *most* differences are found, or the budget is spent.

    Without samples nothing is found and nothing looked at.
    """
    batch = part.batch_size(BATCH)
    affordable = int(BUDGET / max(1, compressed.original.macs)) // batch * batch
    end = min(len(part), max(batch, affordable))
    found: list[Difference] = []
    looked_at = 0
    while looked_at < end and len(found) < most:
        stop = min(end, looked_at + batch)
        for index, said in enumerate(_asked(compressed, part.inputs(looked_at, stop)), looked_at):
            if not said.agree:
                found.append(Difference(sample=index, truth=int(part.y[index]), answers=said))
        looked_at = stop
    if len(found) > most:
        # Those behind the last one that is told were not told of either.
        found, looked_at = found[:most], found[most - 1].sample + 1
    return Differences(found=tuple(found), looked_at=looked_at, part=part.name)


def timed(compressed: Compressed, x: Tensor) -> Latency:
    """
    Time both as ONNX files in ONNX Runtime on one thread, in turns; *x* is one sample.

    Not as the app computes: that is slower for both, and far from what a phone runs. Raises
    ValueError when a network cannot be written as ONNX.
    """
    target = next(target for target in TARGETS if target.name == "onnx")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "compressed.onnx"
        try:
            before = original_runner(compressed.original, target)
            onnx.write(compressed, path)
        except Exception as error:  # the converter raises whatever it stumbles over
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ValueError(f"This network cannot be written as ONNX: {reason}") from error
        after = onnx.open_file(path, compressed)
        return compare(lambda: before(x), lambda: after(x), TIMING)


def _asked(compressed: Compressed, x: Tensor) -> Iterator[Answers]:
    """Yield what both say to each sample of *x*."""
    with torch.inference_mode():
        pairs = zip(
            _probabilities(compressed.original.module(x)),
            _probabilities(compressed.module(x)),
            strict=True,
        )
    for before, after in pairs:
        yield Answers(original=before, compressed=after)


def _probabilities(outputs: Tensor) -> list[Answer]:
    rows = outputs.double().softmax(1)
    if not rows.isfinite().all():
        raise ValueError("The network puts out something that is no number; it has no answer.")
    return [Answer(probabilities=tuple(row)) for row in rows.tolist()]
