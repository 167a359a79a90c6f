"""Imports only go down, and the core does not know that it has a face."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import ROOT

# From the ground up. A room is a module or a folder of compress_core; it imports lower floors only.
FLOORS: tuple[frozenset[str], ...] = tuple(
    frozenset(rooms.split())
    for rooms in (
        "checks choices events measured refusal",
        "recipe_json sandbox wardrobe rates archives memory",
        "recipe",
        "grids masks cores precision int8 zoo clipping histogram roles streaming artifacts owner "
        "ans sketch_mass recurrence shapes kriging duplicate",
        "vocabulary arguments envelope spectrum unfold sketch_order sketch_frame",
        "sketch_cells",
        "sketch",
        "network data fit_grid allocation sketch_layer schema catalogue symbols learned_step",
        "games",
        "data_sets effort samples",
        "fold quantize fit equalize sample_view film contexts structure draw",
        "handover quick",
        "garment calibrate batch_norms",
        "scenarios",
        "criteria correct train plans distill factorize",
        "prune blocks integers slopes numbers intake sketch_symbols sketch_network sketch_sample",
        "integer_layer rounding try_inputs sketch_codebook align fused",
        "compressed",
        "compress codec operators sketch_curve",
        "drag sketch_answer aside",
        "specimen_rows packed checkpoint evaluate closed_loop coded trainable latency treatment "
        "specimen_row_files",
        "fit_file sensitivity_map imitate specimens ship",
        "gradual sizes importers refine harms operator_counts specimen_files",
        "finetune harm_rule milder layer_times",
        "estimate cost worth speed target_speed iterate proof budget control clinic lessons",
        "exporters certificate example consult enough",
        "take_in try_out sensitivity",
        "runs cluster bundle",
        "mapping timing filming playing missions",
        "work",
        "engine",
        "report charts curves trade_off heat chances lesson_charts",
    )
)
SHOWING = FLOORS[-1]
"""The rooms that may know altair and pandas."""
OTHERS = {"app", "pages", "tests", "benchmarks", "streamlit"}
"""What the core never imports."""

CORE = sorted((ROOT / "compress_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """Return the room of a dotted name of the core: compress_core.exporters.onnx -> exporters."""
    return [*name.split("."), ""][1]


def floor(name: str) -> int | None:
    return next((i for i, rooms in enumerate(FLOORS) if name in rooms), None)


core_files = pytest.mark.parametrize("path", CORE, ids=dotted)


@core_files
def test_every_module_has_one_floor(path: Path) -> None:
    if name := room(dotted(path)):
        count = sum(name in rooms for rooms in FLOORS)
        assert count == 1, f"{name} stands on {count} floors of FLOORS; put it on one"


@core_files
def test_imports_go_down(path: Path) -> None:
    here = room(dotted(path))
    for name in imported(path):
        if not name.startswith("compress_core"):
            continue
        there = room(name)
        if there == here and path.parent.name == here:
            continue
        above, below = floor(here), floor(there)
        assert above is not None and below is not None, f"{here} or {there} is missing in FLOORS"
        assert below < above, f"{here} (floor {above}) imports {there} (floor {below})"


@core_files
def test_the_core_imports_only_what_it_may(path: Path) -> None:
    here = room(dotted(path))
    tops = {name.split(".")[0] for name in imported(path)}
    assert "" not in tops, "write imports from the root, not relative ones"
    assert not tops & OTHERS
    if here not in SHOWING:
        assert not tops & {"altair", "pandas"}
    if here in FLOORS[0]:
        assert tops <= sys.stdlib_module_names | {"compress_core"}


@pytest.mark.parametrize("path", [p for p in CORE + PAGES if p.name == "__init__.py"], ids=dotted)
def test_init_is_empty(path: Path) -> None:
    assert not path.read_text()


@pytest.mark.parametrize("path", PAGES, ids=dotted)
def test_pages_share_only_through_shared(path: Path) -> None:
    for name in imported(path):
        assert not name.startswith("."), "write imports from the root, not relative ones"
        if name.split(".")[0] in {"app", "pages"}:
            assert name.startswith("pages.shared"), f"imports {name}"


def test_the_core_runs_without_a_face() -> None:
    names = [dotted(path) for path in CORE if path.name != "__init__.py"]
    faceless = [name for name in names if room(name) not in SHOWING]
    code = "\n".join(
        [
            "import importlib, sys",
            f"for name in {faceless!r}: importlib.import_module(name)",
            "assert not {'streamlit', 'altair'} & set(sys.modules)",
            f"for name in {names!r}: importlib.import_module(name)",
            "assert 'streamlit' not in sys.modules",
        ]
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
