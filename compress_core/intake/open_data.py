"""From a path to its listing: what is in it decides who lists it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from compress_core.intake.arrays import list_arrays
from compress_core.intake.choices import Choices
from compress_core.intake.columns import Table
from compress_core.intake.delimited import open_delimited
from compress_core.intake.folders import list_folders
from compress_core.intake.listing import Listing
from compress_core.intake.parquet import open_parquet
from compress_core.intake.recognise import content_of, recognise
from compress_core.intake.tables import list_table
from compress_core.intake.tree import Tree
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError

VOCABULARY = "vocab.txt"
_LONGEST_VOCABULARY = 16 << 20


@contextmanager
def open_data(path: Path, wanted: Wanted, choices: Choices) -> Iterator[Listing]:
    """
    Give the listing of a data set, readable until the end of the block.

    Raises IntakeError, with one sentence, for whatever cannot be used.
    """
    tree = Tree(path)
    try:
        form = recognise(path, tree)
        if form == "arrays":
            listing = list_arrays(tree, wanted, choices)
        elif form == "parquet":
            listing = list_table(open_parquet(path), None, wanted, choices)
        elif form == "delimited":
            table = open_delimited(tree, tree.entries[0].name)
            listing = list_table(table, None, wanted, choices)
        else:
            listing = _in_folders(tree, wanted, choices)
        if not len(listing):
            raise IntakeError(f"{path.name} holds no samples.")
        yield listing
    finally:
        tree.close()


def _in_folders(tree: Tree, wanted: Wanted, choices: Choices) -> Listing:
    """List what a table in the folder names, or the files themselves where there is none."""
    tables = [e.name for e in tree.entries if content_of(tree, e.name) == "table"]
    kinds = {content_of(tree, entry.name) for entry in tree.entries}
    files = bool(kinds & {"picture", "sound"})
    if len(tables) > 1 and not files:
        raise IntakeError(
            f"There are {len(tables)} tables in it ({', '.join(tables[:3])}); put the rows in one, "
            "with a column split that says train, validation or test."
        )
    if len(tables) == 1:
        table = open_delimited(tree, tables[0])
        if not files or _names_files(table, tree):
            return list_table(table, tree, wanted, _with_vocabulary(tree, choices))
    return list_folders(tree, wanted, choices)


def _names_files(table: Table, tree: Tree) -> bool:
    names = {entry.name for entry in tree.entries}
    return any(str(value) in names for column in table.columns for value in column.values)


def _with_vocabulary(tree: Tree, choices: Choices) -> Choices:
    """Return the choices with the words that lie beside the table, if any."""
    beside = next((e for e in tree.entries if e.name.rpartition("/")[2] == VOCABULARY), None)
    if choices.vocabulary or beside is None:
        return choices
    text = tree.read(beside.name, _LONGEST_VOCABULARY).decode("utf-8", "replace")
    # Not splitlines: a word may hold one of the rarer characters that it would split at.
    lines = text.removesuffix("\n").split("\n")
    return replace(choices, vocabulary=tuple(line.rstrip("\r") for line in lines))
