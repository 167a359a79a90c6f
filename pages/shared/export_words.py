"""What Export says: for whom a target is, and what was found when its file was run."""

from typing import TYPE_CHECKING

from compress_core.proof import NOTICEABLE
from pages.shared import words
from pages.shared.words import N_, _

if TYPE_CHECKING:
    from compress_core.exporters.target import Target
    from compress_core.measured import Measured
    from compress_core.proof import Proof, Run

PURPOSES = {
    "fit": (
        N_("To keep and to send"),
        N_("The smallest file. This app reads it, and any Python program that has compress_core."),
    ),
    "onnx": (
        N_("For servers, desktops and browsers"),
        N_("The format that most tools read, on Windows, Linux and macOS alike."),
    ),
    "executorch": (
        N_("For phone apps"),
        N_("One file for Android and iOS, computed by the phone's processor."),
    ),
    "ncnn": (
        N_("For phones and small boards"),
        N_("A runtime of a few hundred kB that also fits a Raspberry Pi."),
    ),
    "litert": (
        N_("For Android and small devices"),
        N_("The runtime of TensorFlow Lite, which many devices bring along."),
    ),
    "coreml": (N_("For iPhone, iPad and Mac"), N_("Apple's own format.")),
    "pt2": (
        N_("For Python programs"),
        N_("Runs wherever PyTorch is installed, without the network's code."),
    ),
    "safetensors": (
        N_("To train on elsewhere"),
        N_("Weights and recipe alone, for those who have the network's code."),
    ),
}
"""For each target: for whom it is, and one sentence more."""
RECOMMENDED = ("onnx", "fit")
"""What the page's first button makes; the first of these that can be made here."""

TITLES = (N_("Packed file"),)
"""Of targets; the others are names."""
STORED = (
    N_("{bits} bit floats"),
    N_("{bits} bit codes"),
    N_("entropy-coded, {bits} bits a parameter"),
)
"""How weights lie in a file."""
COMPUTED = (N_("8 bit integers"), N_("32 bit floats"), N_("16 bit floats"), N_("floats"))
"""What a runtime computes in."""


def stored(weights: str) -> str:
    """Say how weights lie in a file."""
    parts = []
    for part in weights.split(" and "):
        bits = next((word for word in part.split() if word[0].isdigit()), "")
        parts.append(_(part.replace(bits, "{bits}", 1)).format(bits=bits))
    return _(" and ").join(parts)


def purpose(target: "Target") -> tuple[str, str]:
    """Return for whom a target is, and one sentence more."""
    if target.name not in PURPOSES:
        return _("For {runtime}").format(runtime=target.runtime), ""
    whom, more = PURPOSES[target.name]
    return _(whom), _(more)


def share(measured: "Measured") -> str:
    """Return a fraction as percent, 100 % only where it is exactly so: 99.98 %."""
    if measured.value == 1:
        return "100 %"
    return f"{int(10_000 * measured.value) / 100:.2f} %"


def verdict(proof: "Proof") -> str:
    """Say in a sentence whether a file answers as the preview does."""
    if proof.run is None:
        return _("Written, but not run here")
    agreement = proof.run.agreement
    same = round(agreement.value * agreement.n)
    if same == agreement.n:
        text = _("It answers like the preview on all {n} {part} samples")
    else:
        text = _("It answers like the preview on {same} of {n} {part} samples")
    part = _(words.PARTS[proof.run.part])
    return text.format(same=f"{same:,}", n=f"{agreement.n:,}", part=part)


def gap(run: "Run") -> tuple[str, str]:
    """Return the largest difference between two outputs, and what it is compared with."""
    if not run.step:
        return words.three(run.gap), _("outputs are not rounded")
    steps = run.gap / run.step
    text = _("1 step") if round(steps, 2) == 1 else _("{n} steps")
    return text.format(n=words.three(steps)), _("of {step} each").format(step=words.three(run.step))


def speed(run: "Run") -> str:
    """Return how many times faster a file is, with the digits of the proof's own sentence."""
    ratio = run.latency.speedup
    return f"{ratio:.1f}×" if ratio > 1 else f"{ratio:.2f}×"


def against(before: float, after: float) -> str:
    """Say how many times smaller a file is, or larger: 6.91× smaller."""
    if after > before:
        return _("{ratio} larger").format(ratio=words.times(after / before))
    return _("{ratio} smaller").format(ratio=words.times(before / after))


def in_short(proof: "Proof") -> str:
    """Return the certificate in one line, for a card."""
    parts = [f"**{words.size(proof.bytes)}**"]
    if proof.run is not None:
        parts.append(_("{share} same answers").format(share=share(proof.run.agreement)))
        text = _("as fast as before")
        if proof.slower:
            text = _("slower, {ratio}")
        elif proof.run.latency.speedup > 1 + NOTICEABLE:
            text = _("{ratio} faster")
        parts.append(text.format(ratio=speed(proof.run)))
    return " · ".join(parts)
