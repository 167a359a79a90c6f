"""Which layer minds most: a picture of what each layer loses alone, to be clicked."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from compress_core.heat import HeatCell, HeatWords, heat_chart
from compress_core.recipe import Recipe
from pages.shared import cached, jobs, maps, run_words, state, waiting, words
from pages.shared.choice import Choice, Override
from pages.shared.retell import tell
from pages.shared.words import N_, _, roles

if TYPE_CHECKING:
    from compress_core.runs import Run
    from compress_core.sensitivity_map import Cell, SensitivityMap, Setting

_OPEN, _KIND, _CHART = "explore.map", "explore.map.kind", "explore.map.cell"
KINDS: "dict[Setting, str]" = {
    "sparsity": N_("Weights removed"),
    "weight_bits": N_("Bits of weights"),
    "activation_bits": N_("Bits of activations"),
}
OVERRIDDEN: "dict[Setting, str]" = {
    "sparsity": "share",
    "weight_bits": "bits",
    "activation_bits": "activation_bits",
}
"""Setting -> the field of an override that holds it."""
NOTEWORTHY = 0.01
"""A loss of accuracy that a sentence speaks of."""


def panel(choice: Choice) -> None:
    """Draw the map of the network that is on, or the way to it; while closed it costs nothing."""
    place = st.expander(_("Which layer minds most?"), key=_OPEN, on_change="rerun")
    if place.open:
        with place:
            known = maps.known(choice.scenario, choice.seed)
            _picture(choice, known) if known else _way_to_a_map(choice)


def finding(known: "SensitivityMap", kind: "Setting", against: str = "labels") -> str:
    """Say which layer minds most, and at what: the mildest setting that costs a point."""
    from compress_core.sensitivity_map import ALL

    losses = {
        amount: {
            cell.layer: known.original.accuracy - cell.harm.accuracy
            for cell in known.cells
            if (cell.setting, cell.amount) == (kind, amount) and cell.layer != ALL
        }
        for amount in dict.fromkeys(c.amount for c in known.cells if c.setting == kind)
    }
    amount = next(
        (amount for amount, lost in losses.items() if max(lost.values()) >= NOTEWORTHY),
        list(losses)[-1],
    )
    worst, best = (pick(losses[amount], key=losses[amount].__getitem__) for pick in (max, min))
    text = (
        _("{layer} minds most: {what}, agreement changes by {lost}; {other} minds least: {little}.")
        if against == "original"
        else _(
            "{layer} minds most: {what}, accuracy changes by {lost}; {other} minds least: {little}."
        )
    )
    return text.format(
        layer=_name(worst),
        what=_what(kind, amount),
        lost=words.points(-losses[amount][worst]),
        other=_name(best),
        little=words.points(-losses[amount][best]),
    )


def _picture(choice: Choice, known: "SensitivityMap") -> None:
    kind = st.segmented_control(
        _("What is done to one layer alone"),
        list(KINDS),
        default="sparsity",
        format_func=lambda kind: _(KINDS[kind]),
        required=True,
        key=_KIND,
        persist_state="session",
    )
    against = cached.entry(choice.scenario, choice.seed).against
    sentence = finding(known, kind, against)
    st.markdown(sentence)
    cells = [_cell(choice, cell, known) for cell in known.cells if cell.setting == kind]
    key = f"{_CHART}.{kind}.{hash(choice.overrides)}"  # anew after a click, or it would stay marked
    clickable = not _resting(choice, kind)
    st.altair_chart(
        heat_chart(
            cells, roles(), HeatWords(setting=_(KINDS[kind]), layer=_("Layer"), lost=_("Change"))
        ),
        key=key,
        on_select=(lambda: _clicked(key, kind)) if clickable else "ignore",
        selection_mode="cell" if clickable else None,
        alt=sentence,
    )
    text = (
        _("Change in agreement in percentage points, measured on {samples}.")
        if against == "original"
        else _("Change in accuracy in percentage points, measured on {samples}.")
    )
    measured = text.format(samples=words.samples(known.n, "validation"))
    click = _("Click a cell to give that layer this setting of its own.") if clickable else ""
    st.caption(f"{measured} {click}")


def _resting(choice: Choice, kind: "Setting") -> bool:
    """Tell whether a click would not do what the picture shows."""
    return bool(choice.recipe) or (kind == "sparsity" and choice.granularity != "weight")


def _clicked(key: str, kind: "Setting") -> None:
    picked = st.session_state[key].selection.get("cell")
    if picked and picked[0].get("layer"):
        take(kind, picked[0]["layer"], picked[0]["amount"])


def take(kind: "Setting", layer: str, amount: float) -> None:
    """Give a layer a setting of its own; the row of all together moves the sliders."""
    from compress_core.sensitivity_map import ALL

    value = _whole(kind, amount)
    if layer == ALL:
        moved: dict[str, Any] = {"share": value, "prune_by": "share"}
        state.put(**moved) if kind == "sparsity" else state.put(**{str(kind): value})
        return
    own = {override.layer: override for override in state.choice().overrides}
    changed: dict[str, Any] = {OVERRIDDEN[kind]: value}
    own[layer] = replace(own.get(layer, Override(layer=layer)), **changed)
    state.put(overrides=tuple(own.values()))


def _cell(choice: Choice, cell: "Cell", known: "SensitivityMap") -> HeatCell:
    lost = known.original.accuracy - cell.harm.accuracy
    own = next((o for o in choice.overrides if o.layer == cell.layer), None)
    chosen = getattr(own, OVERRIDDEN[cell.setting], None)
    return HeatCell(
        layer=cell.layer or "",
        amount=cell.amount,
        name=_name(cell.layer),
        column=_label(cell.setting, cell.amount),
        text=words.signed(-100 * lost),
        lost=lost,
        chosen=chosen is not None and chosen == _whole(cell.setting, cell.amount),
    )


def _whole(kind: "Setting", amount: float) -> int:
    """Return an amount as overrides hold it: percent or bits."""
    return round(100 * amount) if kind == "sparsity" else round(amount)


def _label(kind: "Setting", amount: float) -> str:
    text = _("{number} %") if kind == "sparsity" else _("{number} bit")
    return text.format(number=_whole(kind, amount))


def _name(layer: str | None) -> str:
    from compress_core.sensitivity_map import ALL

    names = {None: _("input, sums"), ALL: _("all together")}
    return names.get(layer) or str(layer)


def _what(kind: "Setting", amount: float) -> str:
    texts: dict[Setting, str] = {
        "sparsity": _("with {amount} of its weights removed"),
        "weight_bits": _("with its weights in {amount}"),
        "activation_bits": _("with its activations in {amount}"),
    }
    return texts[kind].format(amount=_label(kind, amount))


def _way_to_a_map(choice: Choice) -> None:
    run = maps.run_of(choice.scenario, choice.seed)
    if run is not None and run.state in jobs.ACTIVE:
        waiting.follow(run, _how_far, stop="explore.map.stop")
        return
    st.markdown(
        _(
            "Nobody has measured yet how much each layer of this network minds. It takes a few "
            "minutes in the background, on validation samples; you can go on meanwhile."
        )
    )
    if run is not None and run.reason:
        st.error(tell(run.reason))
    begun = run is not None and run.checkpoint
    if st.button(
        _("Go on measuring") if begun else _("Measure each layer"),
        key="explore.map.start",
        icon=":material/monitor_heart:",
    ):
        jobs.engine().start(choice.scenario, choice.seed, Recipe(), "sensitivity")
        st.rerun()


def _how_far(run: "Run") -> str:
    if run.seconds_left is None:
        return _("Getting ready …")
    return _("Setting {step} of {steps}, {time} left").format(
        step=f"{run.step:,}", steps=f"{run.steps:,}", time=run_words.duration(run.seconds_left)
    )
