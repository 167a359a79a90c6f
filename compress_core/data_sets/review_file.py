"""
Make `assets/reviews/reviews.json.gz` from the data set that the reviews come in. Needed once.

    pip install rdata
    python -m compress_core.data_sets.review_file FOLDER   # R's modeldata/data

The folder is `/usr/lib/R/site-library/modeldata/data` of Debian's package `r-cran-modeldata`.
"""

import gzip
import json
import lzma
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from compress_core.data_sets.data_set import ASSETS

TABLES = ("training_data", "testing_data")
"""Of the data set `small_fine_foods`, which the package keeps in two."""


def main() -> None:
    """Write product, text and verdict of every review."""
    rows = [row for name in TABLES for row in _table(Path(sys.argv[1]), name)]
    text = json.dumps(rows, ensure_ascii=False)
    (ASSETS / "reviews" / "reviews.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _table(folder: Path, name: str) -> list[tuple[str, str, int]]:
    """Read a table out of R's database of objects that are loaded when they are asked for."""
    index = _convert(gzip.decompress((folder / "Rdata.rdx").read_bytes()))
    start, length = map(int, index["variables"][name])
    packed = (folder / "Rdata.rdb").read_bytes()[start : start + length]
    assert packed[4:5] == b"Z"  # four bytes of length, then raw LZMA2
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
    table = _convert(lzma.decompress(packed[5:], lzma.FORMAT_RAW, filters=filters))
    columns = zip(table["product"], table["review"], table["score"], strict=True)
    return [
        (product, " ".join(text.split()), int(score == "great")) for product, text, score in columns
    ]


def _convert(raw: bytes) -> Any:
    rdata = import_module("rdata")
    return rdata.conversion.convert(rdata.parser.parse_data(raw))


if __name__ == "__main__":
    main()
