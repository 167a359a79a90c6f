"""The certificate of a file, for reading."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached, rates, tables, words
from pages.shared import export_words as w
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.proof import Proof, Run
    from compress_core.sizes import Sizes
    from pages.shared.export_shelf import Made
    from pages.shared.export_state import Hanger

SHORT = 12
"""Digits of a hash that are shown."""


def certificate(hanger: "Hanger", made: "Made") -> None:
    """Show what is known of a file because it was run."""
    proof = made.proof
    with st.container(border=True, key="export.certificate"):
        st.caption(_("Certificate of {file}").format(file=proof.file))
        st.subheader(w.verdict(proof), anchor=False)
        _figures(
            hanger.scenario,
            proof,
            hanger.sizes(),
            cached.scenario(hanger.scenario, hanger.seed).data.against,
        )
        said, details = st.columns(2, gap="large")
        with said:
            st.markdown(tell(proof.speed))
            if proof.remark:
                st.markdown(tell(proof.remark).replace("`", ""))
            st.caption(f"SHA-256 {proof.sha256[:SHORT]}…", help=proof.sha256)
        with details:
            _details(proof)
        with st.expander(_("Ten lines that load it")):
            st.code(hanger.bundle(made).example(), language="python")


def _figures(scenario: str, proof: "Proof", found: "Sizes", against: str) -> None:
    with st.container(horizontal=True, gap="medium"):
        if proof.run:
            _answers(proof.runtime, proof.run, against)
            for each in rates.figures(scenario, proof.run.per_class):
                value, where = words.accuracy(each.rate), _("from the file itself")
                _figure(each.name, value, where, each.counted, each.meaning)
        _figure(
            _("File"),
            words.size(proof.bytes),
            w.against(found.fp32_bytes, proof.bytes),
            _("than {before}").format(before=words.size(found.fp32_bytes)),
            _("The length of the file. Packed, this network takes {packed}.").format(
                packed=words.size(found.packed_bytes)
            ),
        )
        if proof.run:
            text = _(
                "Median of {rounds} calls of the original in 32 bit floats and of this file, in "
                "turns, on one thread."
            ).format(rounds=proof.run.latency.rounds)
            where = _("in the same runtime")
            _figure(_("Speed here"), w.speed(proof.run), _("against float32"), where, text)


def _answers(runtime: str, run: "Run", against: str) -> None:
    on = words.samples(run.agreement.n, run.part)
    text = _("How often the file, run in {runtime}, names the class that this app shows.")
    _figure(
        _("Same class"),
        w.share(run.agreement),
        _("as the preview"),
        on,
        text.format(runtime=runtime),
    )
    text = _(
        "The largest difference of any output between file and preview. One step is the distance "
        "of two neighbouring values that an output can take."
    )
    gap, of = w.gap(run)
    _figure(_("Largest gap"), gap, of, "", text)
    text = _("± is the 95 % interval.")
    value, counted = words.accuracy(run.accuracy, against), words.counted(against)
    _figure(counted, value, _("from the file itself"), on, text)


def _details(proof: "Proof") -> None:
    rows = [
        (_("Runtime"), proof.runtime),
        (_("Weights are stored as"), w.stored(proof.weights)),
        (_("Computes in"), _(proof.arithmetic)),
    ]
    if proof.floats:
        rows.append((_("Fell back to float"), ", ".join(proof.floats)))
    elif "integers" in proof.arithmetic:
        rows.append((_("Fell back to float"), _("nothing")))
    tables.facts(rows, alt=_("How the file was written and run"))


def _figure(label: str, value: str, delta: str, remark: str, text: str) -> None:
    st.metric(
        label, value, delta, delta_color="off", delta_arrow="off",
        delta_description=remark or None, width="content", help=text,
    )  # fmt: skip
