"""The table of layers: what each holds and lost, with a place to decide otherwise for one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from pages.shared import state
from pages.shared.choice import MOST_SHARE, Choice, Override
from pages.shared.words import MINUS, _

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

    from compress_core.sizes import LayerReport, Sizes

GIVEN = ("layer", "shape", "share_of_bytes", "removed", "sqnr", "loses_alone")
ORDER = (*GIVEN[:4], "loses_alone", "own_share", "own_bits", "own_activation_bits", "sqnr")
OWN = {"own_share": "share", "own_bits": "bits", "own_activation_bits": "activation_bits"}
"""Column -> the field of an override that is typed there."""
BITS = (2, 16)
"""Fewest and most that a layer may have of its own."""
MEMORY = ("gru", "lstm")
"""Kinds of layers that run over time."""
_GENERATION = "explore.layers.generation"
_SHOWN = "explore.layers.shown"


def table(choice: Choice, sizes: "Sizes", losses: Mapping[str, float]) -> None:
    """
    Draw the table; an edit becomes an override of the choice.

    *losses*: layer -> the change in accuracy to expect if it alone were treated so.
    """
    names = [layer.name for layer in sizes.layers]
    key = _key(choice.scenario, choice.overrides)
    st.data_editor(
        with_signs(frame(choice, sizes, losses)),
        key=key,
        hide_index=True,
        width="stretch",
        disabled=True if choice.recipe else list(GIVEN),
        column_config=_columns(choice.granularity == "channel"),
        column_order=[name for name in ORDER if losses or name != "loses_alone"],
        on_change=_take_edits,
        args=(key, choice.scenario, names),
        placeholder="–",
        alt=_("Layers of the network, with their own share and bits"),
    )
    if memories := [layer.name for layer in sizes.layers if layer.kind in MEMORY]:
        st.caption(
            _(
                "Memory ({layers}) runs over time and reads its own last answer. Its weights "
                "shrink like all others; what it computes stays in floats, whatever the bits of "
                "values."
            ).format(layers=", ".join(memories))
        )
    if choice.recipe:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _(
                "To treat one layer differently, click its cell in one of the columns named "
                "*instead* and type a number."
            )
        )
        if choice.overrides:
            st.button(_("Let all layers follow the sliders"), key="explore.follow", on_click=reset)


def reset() -> None:
    """Let every layer follow the sliders again."""
    state.put(overrides=())


def frame(choice: Choice, sizes: "Sizes", losses: Mapping[str, float]) -> pd.DataFrame:
    """Return one row for each layer."""
    own = {override.layer: override for override in choice.overrides}
    total = sum(layer.packed_bytes for layer in sizes.layers)
    rows = [
        {**_row(layer, own.get(layer.name), total), "loses_alone": losses.get(layer.name)}
        for layer in sizes.layers
    ]
    types = {**dict.fromkeys(OWN, "Int64"), "loses_alone": "float"}
    frame = pd.DataFrame(rows).astype(types)
    return frame.assign(loses_alone=(100 * frame["loses_alone"]).round(1) + 0.0)


def with_signs(frame: pd.DataFrame) -> "Styler":
    """Return the table as it is shown: formats of columns would write a hyphen for a minus."""
    return frame.style.format({"loses_alone": _loss}, na_rep="–")


def _loss(points: Any) -> str:
    return f"≈ {points:.1f} {_('pt')}".replace("-", MINUS)


def merge(
    overrides: tuple[Override, ...], names: list[str], edits: dict[int, dict[str, Any]]
) -> tuple[Override, ...]:
    """Return the overrides after the edited cells of a table; an emptied cell follows again."""
    own = {override.layer: override for override in overrides}
    for row, cells in edits.items():
        name = names[row]
        before = own.get(name, Override(layer=name))
        typed: dict[str, Any] = {
            OWN[column]: _whole(value) for column, value in cells.items() if column in OWN
        }
        own[name] = replace(before, **typed)
    kept = (own[name] for name in names if name in own)
    return tuple(override for override in kept if not override.says_nothing)


def _take_edits(key: str, scenario: str, names: list[str]) -> None:
    edits = st.session_state[key]["edited_rows"]
    own = merge(state.choice().overrides, names, edits)
    state.put(overrides=own)
    st.session_state[_SHOWN] = (scenario, own)


def _key(scenario: str, overrides: tuple[Override, ...]) -> str:
    """Return the table's key: a new one when something else than an edit changed the overrides."""
    generation = st.session_state.get(_GENERATION, 0)
    if st.session_state.get(_SHOWN) != (scenario, overrides):
        generation += 1
        st.session_state[_GENERATION] = generation
        st.session_state[_SHOWN] = (scenario, overrides)
    return f"explore.layers.{generation}"


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _row(layer: "LayerReport", own: Override | None, total: int) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "shape": _shape(layer),
        "share_of_bytes": layer.packed_bytes / total,
        "removed": 100 * layer.sparsity,
        **{column: getattr(own, field, None) for column, field in OWN.items()},
        "sqnr": layer.sqnr_db,
    }


def _shape(layer: "LayerReport") -> str:
    before, after = (" × ".join(map(str, s)) for s in (layer.original_shape, layer.shape))
    return before if before == after else f"{before} → {after}"


def _columns(channels: bool) -> dict[str, Any]:
    column = st.column_config
    what = _("of its channels") if channels else _("of its weights")
    return {
        "layer": column.TextColumn(_("Layer"), pinned=True),
        "shape": column.TextColumn(
            _("Shape"), help=_("Outputs × inputs × kernel, before → after removing channels.")
        ),
        "share_of_bytes": column.ProgressColumn(
            _("Part of the file"),
            format="percent",
            min_value=0.0,
            max_value=1.0,
            help=_("How much of the packed file this layer takes."),
        ),
        "removed": column.NumberColumn(
            _("Removed"), format="%.1f %%", help=_("Share of its weights that is gone.")
        ),
        "loses_alone": column.NumberColumn(
            _("Loses alone"),
            help=_(
                "Estimated from the map under *Which layer minds most?*: the change in accuracy, "
                "in percentage points, if this layer alone were treated like this."
            ),
        ),
        "own_share": _own(
            _("Remove instead"),
            "%d %%",
            (0, MOST_SHARE),
            _("Type a percentage {what} for this layer alone; empty it to follow the slider.")
            .format(what=what),
        ),
        "own_bits": _own(
            _("Bits instead"),
            "%d bit",
            BITS,
            _("Type 2 to 16 bits for this layer alone; empty it to follow the slider."),
        ),
        "own_activation_bits": _own(
            _("Activations instead"),
            "%d bit",
            BITS,
            _(
                "Type 2 to 16 bits for what this layer computes; empty it to follow the slider. "
                "The layer that answers keeps 8 at least."
            ),
        ),
        "sqnr": column.NumberColumn(
            _("Signal over error"),
            format="%.1f dB",
            help=_(
                "How exact the layer's weights still are: every 6 dB more halve the error. "
                "Empty where nothing changed or the shape did."
            ),
        ),
    }  # fmt: skip


def _own(label: str, unit: str, ends: tuple[int, int], text: str) -> Any:
    """Return a column to type whole numbers in, for one layer alone."""
    return st.column_config.NumberColumn(
        label, format=unit, min_value=ends[0], max_value=ends[1], step=1, help=text
    )
