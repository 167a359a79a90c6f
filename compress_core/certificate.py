"""The certificate of an exported file as plain text, for whoever opens the zip years later."""

from collections.abc import Iterator

from compress_core.data import Against
from compress_core.measured import Measured
from compress_core.proof import Proof
from compress_core.rates import CAUTION, Rates
from compress_core.sizes import Sizes

ANSWERS: dict[Against, str] = {
    "labels": "Accuracy of this file",
    "original": "Same class as original",
    "nothing": "Accuracy of this file",
}
COLUMN = 26
"""Characters for the names of the lines."""


def text(
    network: str,
    proof: Proof,
    sizes: Sizes,
    against: Against = "labels",
    found: Rates | None = None,
) -> str:
    """
    Return what is known of a file, one fact a line; *against* is what answers are judged by.

    *found* are the rates of the file, where its network looks for something.
    """
    head = f"{proof.file}: {network} for {proof.runtime}"
    lines = [f"{name:{COLUMN}}{value}" for name, value in _facts(proof, sizes, against, found)]
    ending = [line for line in (proof.speed, proof.remark, CAUTION if found else "") if line]
    return "\n".join([head, "=" * len(head), "", *lines, "", *ending]) + "\n"


def _facts(
    proof: Proof, sizes: Sizes, against: Against, found: Rates | None
) -> Iterator[tuple[str, str]]:
    yield "Bytes", f"{proof.bytes:,}"
    yield "Original in float32", f"{sizes.fp32_bytes:,}"
    yield "Packed file (.fit)", f"{sizes.packed_bytes:,}"
    yield "Weights", proof.weights
    yield "Computes in", proof.arithmetic
    yield "Left in float", ", ".join(proof.floats) or "nothing that was to be integers"
    if proof.run is None:
        yield "Run", "no: its runtime does not exist on the system that wrote it"
    else:
        run = proof.run
        part = f"{run.agreement.n:,} {run.part} samples"
        yield "Same class as preview", f"{run.agreement.value:.2%} of {part}"
        steps = "" if not run.step else f" ({run.gap / run.step:.2g} output steps)"
        yield "Largest output gap", f"{run.gap:.3g}{steps}"
        yield ANSWERS[against], _with_interval(run.accuracy)
        if found is not None:
            yield f"Sensitivity ({found.found})", _of_samples(found.sensitivity)
            yield f"Specificity ({found.other})", _of_samples(found.specificity)
        yield "Speed against float32", f"{run.latency.speedup:.2f}x, same runtime and machine"
    yield "SHA-256", proof.sha256


def _of_samples(measured: Measured) -> str:
    return f"{_with_interval(measured)} of {measured.n:,} samples"


def _with_interval(measured: Measured) -> str:
    if not measured.n:
        return "unknown: nobody gave samples"
    low, high = 100 * measured.low, 100 * measured.high
    return f"{measured.value:.2%} (95 % interval {low:.2f} to {high:.2f} %)"
