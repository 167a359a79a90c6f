"""Embeddings in files: most of a small network that reads words."""

from pathlib import Path

import pytest

from compress_core.exporters import executorch, litert, pt2
from compress_core.exporters.export import output_step
from tests.exports import assert_same, compressed, preview, samples

REVIEWS = "reviews/conv"
TABLE = 4 * 4000 * 24
"""Bytes of the embedding in float32."""


@pytest.mark.parametrize("target", [executorch, litert, pt2])
@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("w8a8", True),
        ("w8a8 per tensor", True),
        ("w8a8 affine", True),
        ("w4", True),
        ("w12a12", False),
    ],
)
def test_an_embedding_takes_a_byte_a_value(
    target: object, name: str, codes: bool, tmp_path: Path
) -> None:
    of, x = compressed(REVIEWS, name), samples(REVIEWS, 40)
    path = tmp_path / "reviews"
    target.write(of, path)  # type: ignore[attr-defined]

    assert_same(target.open_file(path, of)(x), preview(of, x), output_step(of))  # type: ignore[attr-defined]
    assert (path.stat().st_size < TABLE) == codes
