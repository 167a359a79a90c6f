"""Everything is translated, and no page says a word that was not marked for it."""

import ast
import re
from pathlib import Path

import pytest

from compress_core.checks import RecipeError
from compress_core.recipe import Recipe
from pages.shared import language, retell
from tests.browser import ROOT
from tests.sayings import compiled, read, sentences, source, template, words

CATALOGUES = sorted(language.LOCALES.glob("*/LC_MESSAGES/*.po"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
SHOWN = {
    "altair_chart", "badge", "button", "camera_input", "caption", "checkbox", "download_button",
    "error", "expander", "file_uploader", "form_submit_button", "header", "info", "link_button",
    "markdown", "metric", "multiselect", "number_input", "page_link", "pills", "popover",
    "progress", "radio", "segmented_control", "select_slider", "selectbox", "slider",
    "spinner", "subheader", "success", "tabs", "text", "text_area", "text_input", "title",
    "toast", "toggle", "warning",
    "write", "audio_input", "image",
}  # fmt: skip
"""What of Streamlit's takes words to show."""
SAID_BY_KEYWORD = ("label", "help", "placeholder", "alt", "caption", "text", "body")
NAMES = ("SHA-256",)
"""The same in all languages."""
LETTERS = re.compile(rf"(?!{'|'.join(NAMES)})\b[A-Za-z]{{2,}}")
MARKUP = re.compile(r":(?:material/\w+|gray|orange|blue|small)(?::|\[)?")


def ids(path: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Return text -> its translations (none for the source)."""
    found = source() if path is None else read(path)
    texts = {}
    for message in found:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            said = message.string if isinstance(message.string, (list, tuple)) else [message.string]
            texts[key] = () if message.fuzzy else tuple(text or "" for text in said)
    return texts


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_everything_is_translated(path: Path) -> None:
    """What this names: run `make words`, translate what it prints, run it again."""
    here, said = ids(path), ids()
    assert sorted(said.keys() - here.keys()) == []
    assert sorted(here.keys() - said.keys()) == []
    assert [text for text, translated in here.items() if not all(translated)] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_translations_have_the_same_fields(path: Path) -> None:
    field = re.compile(r"\{[^}]*\}")
    for message in read(path):
        if message.id:
            last = message.id if isinstance(message.id, str) else message.id[-1]
            said = message.string if isinstance(message.string, (list, tuple)) else [message.string]
            for text in said:
                assert set(field.findall(text)) == set(field.findall(last)), last
                assert text.count("**") == last.count("**"), last


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_what_gettext_reads_is_what_was_translated(path: Path) -> None:
    assert path.with_suffix(".mo").read_bytes() == compiled(read(path))


def test_every_language_but_english_has_a_catalogue() -> None:
    names = {path.parts[-3] for path in CATALOGUES}
    assert names == set(language.CATALOGUES.values())
    assert set(language.CATALOGUES) | {language.ENGLISH} == set(language.LANGUAGES)


def test_texts_are_found_in_f_strings_tables_and_plurals() -> None:
    tree = ast.parse(
        """A = {"a": N_("One")}\nf"{_('Two')} x"\nngettext("{n} cat", "{n} cats", n)"""
    )
    assert {text for _, text in words(tree)} == {"One", "Two", ("{n} cat", "{n} cats")}


def test_sentences_of_the_core_are_told_by_their_form() -> None:
    tree = ast.parse(
        '''"""A module."""\ndef f(n):\n    "Do it."\n    g("It is done.", "linear")\n'''
        """    raise ValueError(f"{n:,} is too many for {n.name!r}")"""
    )
    assert {text for _, text in sentences(tree)} == {"It is done.", "{0} is too many for {1}"}


def test_fields_of_a_template_are_numbered() -> None:
    node = ast.parse('f"{a} of {b:,}"', mode="eval").body
    assert isinstance(node, ast.JoinedStr) and template(node) == "{0} of {1}"


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "spoken", lambda: "zh")


def test_an_error_of_the_core_is_told_in_chinese(chinese: None) -> None:
    with pytest.raises(RecipeError) as refused:
        Recipe(steps=(), version=99)
    assert str(refused.value).startswith("This recipe has version 99; this app reads version 1.")
    assert retell.tell(str(refused.value)) == (
        "这个方案是第 99 版；本应用读取第 1 版。请用本应用重新保存，或更新应用。"
    )


def test_sentences_are_told_one_by_one_and_names_stay(chinese: None) -> None:
    told = retell.tell(
        "As fast as float32 in test (1.20 ms → 1.25 ms for one sample). Zeros are still "
        "multiplied here: they give 1.0×."
    )
    assert told == (
        "与 test 中的 float32 一样快（每个样本 1.20 ms → 1.25 ms）。零在这里仍参与乘法：加速 1.0×。"
    )
    assert retell.tell("Whatever this may be") == "Whatever this may be"


def bare(path: Path) -> list[str]:
    """Return what a page hands to Streamlit without marking it."""
    found = []
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr not in SHOWN:
            continue
        spoken = [*call.args[:1], *(k.value for k in call.keywords if k.arg in SAID_BY_KEYWORD)]
        for node in spoken:
            text = template(node) if isinstance(node, (ast.Constant, ast.JoinedStr)) else ""
            if LETTERS.search(MARKUP.sub("", text)):
                found.append(f"{path.name}:{node.lineno} {text}")
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_mark_what_they_say(path: Path) -> None:
    assert bare(path) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "pages" / "shared").glob("*.py")), ids=lambda path: path.name
)
def test_nothing_is_translated_before_a_session_asks(path: Path) -> None:
    """A module is imported once, for sessions of all languages: its tables use `N_`."""
    at_import: list[ast.AST] = [ast.parse(path.read_text())]
    called = []
    while at_import:
        node = at_import.pop()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.append(node.func.id)
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            at_import += ast.iter_child_nodes(node)
    assert not {"_", "ngettext"} & set(called)
