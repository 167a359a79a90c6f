import json
from dataclasses import replace

import pytest

from compress_core.latency import Latency
from compress_core.measured import proportion
from compress_core.proof import Facts, Proof, Run, speed_sentence

RUN = Run(
    part="test",
    agreement=proportion(999, 1000),
    gap=0.2,
    step=0.1,
    accuracy=proportion(910, 1000),
    latency=Latency(before=30e-6, after=60e-6, speedup=0.5, rounds=400),
)
PROOF = Proof(
    target="onnx",
    file="lenet-5.onnx",
    bytes=67_976,
    sha256="0" * 64,
    runtime="ONNX Runtime 1.32.0",
    weights="8 bit codes",
    arithmetic="8 bit integers",
    floats=("Conv ×2",),
    remark="",
    speed="Slower than float32 in ONNX Runtime.",
    run=RUN,
)
FACTS = Facts(integers=True, rounds=True, floats=(), fewer_bits=True, zeros=False)


@pytest.mark.parametrize("proof", [PROOF, replace(PROOF, run=None)], ids=["run", "not run"])
def test_json_and_back(proof: Proof) -> None:
    assert Proof.from_dict(json.loads(json.dumps(proof.to_dict()))) == proof


@pytest.mark.parametrize(
    ("speedup", "slower"), [(0.5, True), (0.89, True), (0.95, False), (3.0, False)]
)
def test_slower_means_noticeably_slower(speedup: float, slower: bool) -> None:
    run = replace(RUN, latency=replace(RUN.latency, speedup=speedup))
    assert replace(PROOF, run=run).slower is slower


def test_a_file_that_was_not_run_is_not_called_slower() -> None:
    assert not replace(PROOF, run=None).slower


@pytest.mark.parametrize(
    ("before", "after", "facts", "sentence"),
    [
        (
            600e-6,
            200e-6,
            FACTS,
            "3.0× faster than float32 in R (600 µs → 200 µs for one sample).",
        ),
        (
            30.04e-6,
            60e-6,
            FACTS,
            "Slower than float32 in R: 0.50× (30.0 µs → 60.0 µs for one sample). At this size, "
            "rounding and calling cost more than integers save.",
        ),
        (
            1.2e-3,
            1.25e-3,
            replace(FACTS, integers=False, rounds=False, zeros=True),
            "As fast as float32 in R (1.20 ms → 1.25 ms for one sample). Weights have fewer bits, "
            "but everything is computed in float. Zeros are still multiplied here: they give 1.0×.",
        ),
        (
            10e-6,
            20e-6,
            replace(FACTS, floats=("Conv ×1",)),
            "Slower than float32 in R: 0.50× (10.0 µs → 20.0 µs for one sample). Values are "
            "rounded, but some layers compute in float.",
        ),
        (
            5e-6,
            5e-6,
            Facts(integers=False, rounds=False, floats=(), fewer_bits=False, zeros=False),
            "As fast as float32 in R (5.00 µs → 5.00 µs for one sample).",
        ),
    ],
    ids=["faster", "slower", "zeros", "fallback", "nothing changed"],
)
def test_speed_in_one_sentence(before: float, after: float, facts: Facts, sentence: str) -> None:
    latency = Latency(before=before, after=after, speedup=before / after, rounds=400)
    assert speed_sentence(latency, "R", facts) == sentence
