"""Rules of the house that no tool checks: size, unfinished work, safe loading, pins, notices."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from tests.browser import ROOT

LONGEST_FILE = 300
LONGEST_FUNCTION = 60
PLACES = ("compress_core", "pages", "tests", "benchmarks")
SOURCES = sorted([*ROOT.glob("*.py"), *(p for name in PLACES for p in (ROOT / name).rglob("*.py"))])
CORE = [path for path in SOURCES if "compress_core" in path.parts]
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")))
UNSAFE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
"""Modules whose loading runs code that is in the file."""


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def runtime() -> list[str]:
    return required("requirements.txt")


def required(file: str) -> list[str]:
    lines = (ROOT / file).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def dev() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    group: list[str] = settings["dependency-groups"]["dev"]
    return group


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level names that a file imports anywhere, also inside functions."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


sources = pytest.mark.parametrize("path", SOURCES, ids=shown)
core = pytest.mark.parametrize("path", CORE, ids=shown)


@sources
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < LONGEST_FILE


@sources
def test_functions_are_short(path: Path) -> None:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


@sources
def test_nothing_is_left_unfinished(path: Path) -> None:
    assert not UNFINISHED.findall(path.read_text(encoding="utf-8"))


@sources
def test_torch_load_reads_weights_only(path: Path) -> None:
    for node in nodes(path):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert arguments.get("weights_only") == "True", f"line {node.lineno}"


@core
def test_the_core_does_not_unpickle(path: Path) -> None:
    assert not UNSAFE & set(imported(path))


def test_readme_and_ci_call_the_same_command() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"\bmake \w+", ci) == ["make test"]
    readme = (ROOT / "README.md").read_text()
    assert {"make run", "make test"} <= set(re.findall(r"\bmake \w+", readme))


@pytest.mark.parametrize("requirement", [*runtime(), *dev(), *required("requirements-games.txt")])
def test_pins_are_exact_and_what_is_tested(requirement: str) -> None:
    match = re.fullmatch(r"([A-Za-z0-9_.-]+)==([0-9][0-9A-Za-z.]*)", requirement)
    assert match, "pin one exact version: name==1.2.3"
    # A local label such as +cpu says how a version was built, not which it is.
    assert version(match[1]).partition("+")[0] == match[2]


def test_torchvision_is_not_required() -> None:
    assert not [line for line in runtime() + dev() if line.startswith("torchvision")]


@pytest.fixture(scope="module")
def packages() -> Mapping[str, list[str]]:
    """Import name -> the installed packages that provide it (slow to find out)."""
    return packages_distributions()


@pytest.mark.parametrize("path", [p for p in SOURCES if "tests" not in p.parts], ids=shown)
def test_what_is_imported_is_required(path: Path, packages: Mapping[str, list[str]]) -> None:
    ours = {"app", *PLACES}
    extra = required("requirements-games.txt") if path.parent.name == "games" else []
    pinned = {line.partition("==")[0].lower() for line in runtime() + extra}
    for name in set(imported(path)) - sys.stdlib_module_names - ours:
        found = {package.lower() for package in packages.get(name, [])}
        assert found & pinned, f"{name} is not in requirements.txt"


def test_notice_names_every_data_folder() -> None:
    notice = (ROOT / "assets" / "NOTICE.md").read_text()
    folders = [path.name for path in (ROOT / "assets").iterdir() if path.is_dir()]
    assert not [name for name in folders if f"`{name}/`" not in notice]


def test_notice_has_the_hash_of_every_data_file() -> None:
    notice = (ROOT / "assets" / "NOTICE.md").read_text()
    converted = [ROOT / "assets" / name / f"{name}.npz" for name in ("speech", "watch", "photos")]
    for path in (*(ROOT / "assets").rglob("*.gz"), *converted):
        line = f"{sha256(path.read_bytes()).hexdigest()}  {path.name}"
        assert line in notice, f"{path.name} is not the file that NOTICE.md describes"
