"""
Find what the app says, and keep `assets/locale` up to date with it: `python -m tests.sayings`.

Pages mark their words. The core knows nothing of languages: its sentences are told by their form,
and translated where a page shows them. (Babel's own extractor overlooks what an f-string holds.)
"""

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from pages.shared.language import DOMAIN, LOCALES
from tests.browser import ROOT

Said = str | tuple[str, ...]
"""A text, or its forms for one and for many."""
MARKS = ("_", "N_", "ngettext")
ENDS = (".", "?", "!", "…")


def words(tree: ast.AST) -> Iterator[tuple[int, Said]]:
    """Yield line and text of what pages mark."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            values = [a.value for a in node.args if isinstance(a, ast.Constant)]
            texts = tuple(value for value in values if isinstance(value, str))
            if texts:
                yield node.lineno, texts if len(texts) > 1 else texts[0]


def sentences(tree: ast.AST) -> Iterator[tuple[int, Said]]:
    """
    Yield the core's sentences: what it raises with, and whatever else begins and ends like one.

    The fields of an f-string are numbered.
    """
    raised = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        for part in node.exc.args[:1]
    }
    for node in _texts(tree):
        text = template(node)
        whole = (text[:1].isupper() or text.startswith("{0}")) and text.endswith(ENDS)
        if " " in text and (id(node) in raised or whole):
            yield node.lineno, text


def template(node: ast.Constant | ast.JoinedStr) -> str:
    """Return a text with numbers for its fields."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts, fields = [], 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            parts.append(f"{{{fields}}}")
            fields += 1
    return "".join(parts)


def _texts(node: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Yield texts that are values: no docstrings, and no pieces of an f-string."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.JoinedStr) or (
            isinstance(child, ast.Constant) and isinstance(child.value, str)
        ):
            yield child
        else:
            yield from _texts(child)


def source() -> Catalog:
    """Return all that is said, untranslated, as it stands in the source now."""
    found = Catalog(domain=DOMAIN)
    for folder, finder in (("pages", words), ("compress_core", sentences)):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for line, text in finder(ast.parse(path.read_text())):
                found.add(text, locations=[(str(path.relative_to(ROOT)), line)])
    return found


def read(path: Path) -> Catalog:
    """Return the words of a language; no text of the app is filled in by `%`."""
    with path.open("rb") as file:
        found = read_po(file, ignore_obsolete=True)
    for message in found:
        message.flags.discard("python-format")
    return found


def compiled(translated: Catalog) -> bytes:
    """Return what gettext reads."""
    file = BytesIO()
    write_mo(file, translated)
    return file.getvalue()


def main() -> None:
    """Bring every language up to date with the source, and tell what is left to translate."""
    said = source()
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/*.po")):
        translated = read(path)
        translated.update(said, no_fuzzy_matching=True, update_creation_date=False)
        with path.open("wb") as file:
            write_po(file, translated, width=100, no_location=True, sort_output=True,
                     ignore_obsolete=True)  # fmt: skip
        translated = read(path)
        path.with_suffix(".mo").write_bytes(compiled(translated))
        for message in translated:
            if message.id and not any(message.string):
                print(f"{path.relative_to(ROOT)}: {message.id}")


if __name__ == "__main__":
    main()
