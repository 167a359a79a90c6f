"""Speed on every target: one sentence each, from what was measured of the same treatment."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import export_cards, words
from pages.shared.choice import Choice
from pages.shared.words import N_, _

if TYPE_CHECKING:
    from compress_core.compressed import Compressed
    from compress_core.target_speed import Fact, Treatment

REASONS = {
    "nothing": N_("nothing has changed"),
    "zeros": N_("zeros are still multiplied here"),
    "channels": N_("removed channels are not computed"),
    "fewer bits": N_("weights have fewer bits, but everything is computed in float"),
    "integers": N_("computed in integers"),
    "smaller integers": N_("removed channels are not computed, the others in integers"),
}
IN_FLOAT = N_("values are rounded, but everything is computed in float")


def table(choice: Choice, compressed: "Compressed") -> None:
    """Unfold a sentence for each target, from measurements that are shipped with the app."""
    from compress_core.target_speed import facts, like, treatment_of

    treatment = treatment_of(compressed)
    found = like(treatment, choice.scenario, facts())
    lines = [
        f"- **{target.title}**: {sentence(treatment, found[target.name])}"
        for target in export_cards.targets()
        if target.name in found
    ]
    with st.popover(_("Speed in each format"), type="tertiary", icon=":material/speed:"):
        st.markdown("\n".join(lines))
        st.badge(_("measured"), color="gray")
        st.caption(remark(choice.scenario, found))


def sentence(treatment: "Treatment", measured: "list[Fact]") -> str:
    """Say how many times faster than float32, and why: 1.0×: zeros are still multiplied here."""
    integers = all("integers" in fact.arithmetic for fact in measured)
    reason = REASONS[treatment] if integers or "integers" not in treatment else IN_FLOAT
    low, high = (pick(fact.speedup for fact in measured) for pick in (min, max))
    ratio = _ratio(low) if _ratio(low) == _ratio(high) else f"{_ratio(low)} – {_ratio(high)}"
    return f"{ratio}: {_(reason)}"


def remark(scenario: str, found: "dict[str, list[Fact]]") -> str:
    """Say what was measured, so that nobody takes it for this very setting."""
    fact = next(iter(next(iter(found.values()))))
    if fact.network == scenario:
        text = _("Times faster than float32 in the same runtime, measured once on this network "
                 "with this kind of treatment ({recipe}).")  # fmt: skip
    else:
        text = _("Times faster than float32 in the same runtime, measured once on other networks "
                 "with this kind of treatment ({recipe}).")  # fmt: skip
    return " ".join(
        (text.format(recipe=fact.recipe), _("Export times the file of this very setting here."))
    )


def _ratio(speedup: float) -> str:
    return words.times(round(speedup, 1) if speedup >= 0.95 else speedup)
