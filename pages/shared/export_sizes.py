"""All sizes beside each other, told honestly: theory, files, and what a small network takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.charts import SizeBar, size_bars
from pages.shared import export_cards, words
from pages.shared.words import _, roles

if TYPE_CHECKING:
    from compress_core.proof import Proof
    from compress_core.sizes import Sizes
    from compress_core.worth import Worth
    from pages.shared.export_state import Hanger

PACKED = "fit"
"""The target whose file is the packed one, which has its bar already."""


def sizes(hanger: "Hanger") -> None:
    """Draw the original, theory and every file on one scale."""
    found = hanger.sizes()
    made = [
        (_(target.title), file.proof)
        for target in export_cards.targets()
        if target.name != PACKED and (file := hanger.made(target))
    ]
    bars = [
        _bar(_("Original"), found.fp32_bytes, roles().original),
        _bar(_("In theory"), found.theory_bytes, roles().compressed, measured=False),
        _bar(_("Packed"), found.packed_bytes, roles().compressed),
        _bar(_("Zipped"), hanger.zipped(), roles().compressed),
        *(_bar(title, proof.bytes, roles().compressed) for title, proof in made),
    ]
    sentence = _sentence(found, [proof for _title, proof in made])
    st.vega_lite_chart(spec=size_bars(bars, roles()), key="export.sizes", alt=sentence)
    st.caption(sentence)


def control(scenario: str, now: "Worth") -> str:
    """Say what a small network trained from scratch takes for the same accuracy; maybe nothing."""
    if now.against == "original":
        return _(
            "Whether a small network trained from scratch would do as well is unknown: training "
            "one takes labels, and these samples have none."
        )
    from compress_core.control import load_control, smallest_bytes

    curve = load_control(scenario)
    if not curve:
        return ""
    least = smallest_bytes(curve, now.accuracy.value)
    if least is None:
        best = max(curve, key=lambda point: point.validation.value)
        return _(
            "No small network trained from scratch reaches {accuracy}; the best has {best} with "
            "{size}."
        ).format(
            accuracy=words.percent(now.accuracy.value),
            best=words.percent(best.validation.value),
            size=words.size(best.packed_bytes),
        )
    if least < now.packed_bytes:
        text = _(
            "A small network trained from scratch reaches the same accuracy with {size}, less than "
            "this one packed: starting small would have been as good."
        )
    else:
        text = _("A small network trained from scratch reaches the same accuracy with {size}.")
    return text.format(size=words.size(least))


def _sentence(found: "Sizes", proofs: "Sequence[Proof]") -> str:
    before, packed = words.size(found.fp32_bytes), words.size(found.packed_bytes)
    if not proofs:
        text = _("Packed it takes {packed} of {before}; each file that you make is added here.")
        return text.format(packed=packed, before=before)
    least = min(proofs, key=lambda proof: proof.bytes)
    return _(
        "The original takes {before}, packed it takes {packed}. Files that a runtime loads as they "
        "are hold its graph and whole bytes: {file} takes {size}."
    ).format(before=before, packed=packed, file=least.file, size=words.size(least.bytes))


def _bar(label: str, size_bytes: int, role: str, measured: bool = True) -> SizeBar:
    text = words.size(size_bytes) if measured else f"≈ {words.size(size_bytes)}"
    return SizeBar(label=label, size_bytes=size_bytes, text=text, role=role, measured=measured)
