"""Embeddings in files: most of a small network that reads words."""

from pathlib import Path

import pytest

from compress_core.exporters import executorch, litert, pt2
from compress_core.exporters.export import output_step
from tests.exports import assert_same, compressed, preview, samples

REVIEWS = "reviews/conv"
RARER = ("per tensor", "affine")
SLOW = pytest.mark.slow
TABLE = 4 * 4000 * 24
"""Bytes of the embedding in float32."""


@pytest.mark.parametrize("target", [executorch, litert, pt2])
@pytest.mark.parametrize(
    "name", ["w8a8", "w4", *(pytest.param(f"w8a8 {how}", marks=SLOW) for how in RARER)]
)
def test_an_embedding_takes_a_byte_a_value(target: object, name: str, tmp_path: Path) -> None:
    of, x = compressed(REVIEWS, name), samples(REVIEWS, 40)
    path = tmp_path / "reviews"
    target.write(of, path)  # type: ignore[attr-defined]

    assert_same(target.open_file(path, of)(x), preview(of, x), output_step(of))  # type: ignore[attr-defined]
    assert path.stat().st_size < TABLE / 2


@pytest.mark.parametrize("target", [executorch, litert])
def test_codes_of_more_than_a_byte_stay_floats(target: object, tmp_path: Path) -> None:
    written = target.write(compressed(REVIEWS, "w12a12"), tmp_path / "reviews")  # type: ignore[attr-defined]

    assert written.weights == "32 bit floats"
