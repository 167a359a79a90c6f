"""All lessons, in the order in which they are best read."""

from collections.abc import Callable
from dataclasses import dataclass

from pages.shared.lessons import (
    across,
    clipping,
    coding,
    distillation,
    holes,
    precision,
    pruning,
    rounding,
)
from pages.shared.words import N_


@dataclass(frozen=True, slots=True)
class Lesson:
    """One concept: what it is called, what it answers, and what draws it."""

    title: str
    question: str
    body: Callable[[], None]


LESSONS: dict[str, Lesson] = {
    "pruning": Lesson(N_("Pruning"), N_("Which weights can go?"), pruning.body),
    "shapes": Lesson(N_("Holes or shapes"), N_("Why is a pruned network not faster?"), holes.body),
    "layers": Lesson(N_("Across layers"), N_("Which layer has most to spare?"), across.body),
    "rounding": Lesson(N_("Quantization"), N_("What can a few bits hold?"), rounding.body),
    "clipping": Lesson(
        N_("Clipping or rounding"), N_("Where should the range end?"), clipping.body
    ),
    "coding": Lesson(N_("Entropy coding"), N_("How do codes become a small file?"), coding.body),
    "precision": Lesson(
        N_("Mixed precision"), N_("What do 16 bits lose in training?"), precision.body
    ),
    "distillation": Lesson(
        N_("Distillation"), N_("What can the original still teach?"), distillation.body
    ),
}
"""Name in the address -> lesson."""
