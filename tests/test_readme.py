import re
from pathlib import Path

import pytest

from compress_core.evaluate import evaluate
from compress_core.events import Finished
from compress_core.scenarios import list_scenarios, list_trained

README = Path(__file__).resolve().parent.parent / "README.md"
FIRST_LINE = "from compress_core.compress import compress"


def notebook() -> str:
    """Return the block of Python that a notebook user copies."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if block.startswith(FIRST_LINE)]
    return str(block)


def test_the_ten_lines_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(compile(notebook(), str(README), "exec"), names)
    printed = capsys.readouterr().out
    for word in ("Started(", "StepEnd(", "EpochEnd(", "Finished(", "Evaluation(", "Sizes("):
        assert word in printed
    scenario, compressed = names["scenario"], names["compressed"]
    accuracy = evaluate(compressed, scenario.data.test).accuracy  # type: ignore[attr-defined,arg-type]
    assert f"accuracy={accuracy!r}" in printed
    assert accuracy.value > 0.8
    assert isinstance(names["event"], Finished)


def test_the_readme_names_every_scenario_and_how_it_was_trained() -> None:
    text = README.read_text(encoding="utf-8")
    for name in list_scenarios():
        assert f"`{name}`" in text
        assert (f"python -m compress_core.train {name}" in text) == (name in list_trained())
