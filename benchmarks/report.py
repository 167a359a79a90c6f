"""What all benchmarks share: their options, the machine they ran on, a plain table and JSON."""

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

Row = Mapping[str, Any]
Columns = Mapping[str, tuple[str, str]]
"""Key of a row -> (title, format), such as `{"amp_ms": ("AMP ms", ".1f")}`."""


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the option that every benchmark has."""
    first = (description or "").strip().splitlines()
    parser = argparse.ArgumentParser(description=first[0] if first else None)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    capabilities = torch.cpu.get_capabilities()
    return {
        "processor": platform.machine(),
        "instructions": sorted(name for name, has in capabilities.items() if has is True),
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
    }


def table(rows: Sequence[Row], columns: Columns) -> str:
    """Return the rows as aligned text: words to the left, numbers to the right."""
    cells = [[title for title, _ in columns.values()]]
    cells += [[format(row[key], spec) for key, (_, spec) in columns.items()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    words = [bool(rows) and isinstance(rows[0][key], str) for key in columns]
    lines = [
        "  ".join(
            cell.ljust(width) if is_word else cell.rjust(width)
            for cell, width, is_word in zip(line, widths, words, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def markdown(rows: Sequence[Row], columns: Columns) -> str:
    """Return the rows as a Markdown table."""
    cells = [[title for title, _ in columns.values()], ["---"] * len(columns)]
    cells += [[format(row[key], spec) for key, (_, spec) in columns.items()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def publish(
    rows: Sequence[Row], columns: Columns, remarks: Sequence[str], json_file: Path | None
) -> None:
    """Print the table and the remarks; write everything to *json_file* where one is given."""
    here = machine()
    print(table(rows, columns))
    print(f"\ntorch {here['torch']}, {here['torch_threads']} threads, {here['processor']}")
    for remark in remarks:
        print(remark)
    if json_file is not None:
        everything = {"machine": here, "remarks": list(remarks), "rows": [dict(r) for r in rows]}
        json_file.write_text(json.dumps(everything, indent=2) + "\n")
