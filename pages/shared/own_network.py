"""The first step of an intake: what the file is, and what only its owner knows."""

import re
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd
import streamlit as st

from pages.shared import own_desk as desks
from pages.shared import tables
from pages.shared.own_desk import Desk
from pages.shared.retell import tell
from pages.shared.words import _, ngettext

if TYPE_CHECKING:
    from compress_core.consult import Opinion
    from compress_core.importers.infer import Row
    from compress_core.network import Network

_SHAPE, _PROPOSAL = "own.shape", "own.proposal"
NAMED = 6
"""Untouched operators that are named; more are counted."""


def step(desk: Desk) -> "Network | None":
    """Show what was recognised, ask what was not; returns the network when it can be built."""
    work = partial(_consult, desk.file, desk.shape, desk.rows)
    job = desk.ask(("network", desk.shape, desk.rows), work)
    text = _("Reading {file} in a process of its own …").format(file=desk.file.name)
    found: Opinion | None = desks.outcome(job, text)
    if found is None:
        if job.problem and desk.opinion:
            _questions(desk, desk.opinion)
        return None
    desk.opinion = found
    if found.network is None:
        _questions(desk, found)
        return None
    _facts(found, found.network)
    return found.network


def _consult(file: Path, shape: tuple[int, ...] | None, rows: "tuple[Row, ...] | None") -> Any:
    from compress_core.consult import consult

    return consult(file, shape, rows)


def _facts(opinion: "Opinion", network: "Network") -> None:
    from compress_core.clinic import NAMES, untouched

    rows = [
        (_("Recognised"), NAMES[opinion.findings.format]),
        (_("Reads"), shown(network.input_shape)),
        (_("Answers"), ngettext("{n} class", "{n} classes", len(network.labels)).format(
            n=f"{len(network.labels):,}")),
        (_("Layers that can be compressed"), f"{len(network.layers):,}"),
        (_("Parameters"), f"{network.parameters:,}"),
    ]  # fmt: skip
    if opinion.findings.architecture:
        rows.insert(1, (_("Architecture"), opinion.findings.architecture))
    with st.columns([2, 3])[0]:
        tables.facts(rows, alt=_("What was found in the file"))
    if left := untouched(network):
        more = "" if len(left) <= NAMED else ", …"
        st.caption(
            _("Kept as they are, and not compressed: {names}.").format(
                names=", ".join(left[:NAMED]) + more
            )
        )
    if not network.layers:
        st.warning(_("There is no layer here that can be compressed: no convolution, no linear."))


def shown(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it: 3 × 224 × 224."""
    return " × ".join(f"{n:,}" for n in shape)


def read_shape(text: str) -> tuple[int, ...] | None:
    """Return the numbers in "3 x 224 x 224"; None where it is no shape."""
    parts = re.split(r"[\s,x×*()\[\]]+", text.strip().strip("()[]"))
    if not 1 <= len(parts) <= 6 or not all(part.isdecimal() and int(part) for part in parts):
        return None
    return tuple(map(int, parts))


def _questions(desk: Desk, opinion: "Opinion") -> None:
    """Ask for the shape of a sample and, of weights alone, for the layers between them."""
    found = opinion.findings
    st.markdown(tell(opinion.missing))
    with st.form("own.questions", border=False):
        guess = desk.shape or found.input_shape
        text = st.text_input(
            _("Shape of one sample"),
            " × ".join(map(str, guess)) if guess else "",
            key=_SHAPE,
            placeholder="3 × 224 × 224",
            help=_("Channels, height and width of a picture; just a number for a row of values."),
        )
        rows = table(desk, found.proposals) if found.proposals else None
        label = _("Build it") if found.proposals else _("Go on")
        if st.form_submit_button(label, type="primary", key="own.answer"):
            shape = read_shape(text)
            if shape is None:
                st.error(_("Write numbers with × between them, such as 3 × 224 × 224."))
            else:
                desk.shape, desk.rows = shape, rows
                st.rerun()


def table(desk: Desk, proposals: "tuple[tuple[Row, ...], ...]") -> "tuple[Row, ...]":
    """Draw the layers that fit the weights, to be corrected; returns them as they stand."""
    from compress_core.importers.infer import Row, RowKind

    st.caption(
        ngettext(
            "One sequence of layers fits the shapes of the weights. Correct what differs.",
            "{n} sequences of layers fit the shapes of the weights; this is the likeliest. "
            "Correct what differs.",
            len(proposals),
        ).format(n=len(proposals))
    )
    known = desk.rows or proposals[0]
    names = [f.name for f in fields(Row)]
    frame = pd.DataFrame([{n: getattr(row, n) for n in names} for row in known], columns=names)
    whole = partial(st.column_config.NumberColumn, min_value=0, max_value=64, step=1)
    edited = st.data_editor(
        frame,
        key=f"own.rows.{len(known)}",
        num_rows="dynamic",
        hide_index=True,
        column_config={
            "kind": st.column_config.SelectboxColumn(
                _("Layer"), options=list(get_args(RowKind)), required=True
            ),
            "weights": st.column_config.TextColumn(_("Weights")),
            "stride": whole(_("Stride")),
            "padding": whole(_("Padding")),
            "groups": st.column_config.NumberColumn(_("Groups"), min_value=1, step=1),
            "size": whole(_("Pool")),
        },
    )
    return tuple(_row(values) for values in edited.to_dict("records"))


def _row(values: dict[Any, Any]) -> "Row":
    """Return a row of the table; what was left empty has its usual value."""
    from compress_core.importers.infer import Row

    usual = Row(kind=values["kind"], weights=values["weights"] or "")
    numbers = {
        name: int(values[name])
        for name in ("stride", "padding", "groups", "size")
        if not pd.isna(values[name])
    }
    return replace(usual, **numbers)  # type: ignore[arg-type]
