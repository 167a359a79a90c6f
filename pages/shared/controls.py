"""The controls of the fitting room. Each owns its value; `state.choice()` reads them all."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import state
from pages.shared.choice import (
    ACTIVATION_BITS,
    FLOAT,
    HIGHEST_THRESHOLD,
    MOST_SHARE,
    PRESETS,
    THRESHOLD_STEP,
    WEIGHT_BITS,
    Choice,
    by_threshold,
    preset_of,
)
from pages.shared.history import redo, undo
from pages.shared.words import N_, _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

WHY_WORN = N_("An imported recipe decides at the moment; take it off to use the controls.")


def presets(choice: Choice) -> None:
    """
    Draw three buttons that move the other controls; none is ticked when these stand elsewhere.

    Buttons, because they have no value: the browser sends the values of all widgets with each
    event, and one that the last run had already changed would count as a click.
    """
    chosen = preset_of(choice)
    names = {"gentle": _("Gentle"), "balanced": _("Balanced"), "bold": _("Bold")}
    st.markdown(
        f":small[{_('How bold?')}]",
        help=help_of(choice, _("Three ready-made settings to start from. They move the sliders.")),
    )
    with st.container(horizontal=True, gap="xsmall", key="explore.presets"):
        for preset in PRESETS:
            st.button(
                names[preset],
                key=f"explore.preset.{preset}",
                icon=":material/check:" if preset == chosen else None,
                type="secondary" if preset == chosen else "tertiary",
                on_click=state.apply_preset,
                args=(preset,),
                disabled=bool(choice.recipe),
                width="stretch",
            )


def history() -> None:
    """Draw the ways through what was tried: back, forth, anywhere and to the start."""
    tried = state.tried()
    with st.container(horizontal=True, gap="small"):
        st.button(
            "",
            key="explore.undo",
            icon=":material/undo:",
            type="tertiary",
            shortcut="Alt+Z",
            on_click=state.travel,
            args=(undo,),
            disabled=not tried.past,
            help=_("Undo: back to the setting before."),
        )
        st.button(
            "",
            key="explore.redo",
            icon=":material/redo:",
            type="tertiary",
            shortcut="Alt+Y",
            on_click=state.travel,
            args=(redo,),
            disabled=not tried.future,
            help=_("Redo: the setting that was undone."),
        )
        st.button(
            _("Surprise me"),
            key="explore.surprise",
            icon=":material/casino:",
            type="tertiary",
            on_click=state.surprise,
            help=_("Another setting by chance; Undo brings this one back."),
        )
        st.button(
            "",
            key="explore.reset",
            icon=":material/restart_alt:",
            type="tertiary",
            on_click=state.reset,
            help=_("Reset: everything as it was at first."),
        )


def pruning(choice: Choice) -> "DeltaGenerator":
    """Draw what decides how much goes; returns the place for the sentence beneath."""
    sized = choice.granularity == "weight" and choice.criterion in ("l1", "l2")
    st.segmented_control(
        _("Remove weights by"),
        ["share", "threshold"],
        format_func={"share": _("Share"), "threshold": _("Size")}.__getitem__,
        required=True,
        disabled=not sized or bool(choice.recipe),
        help=help_of(
            choice,
            _(
                "Small weights matter least. Say how many go, or below which size they go: "
                "two views of the same choice."
            )
            if sized
            else _("Only single weights, ranked by size, can go by size; see More techniques."),
        ),
        **keep("prune_by"),
    )
    if by_threshold(choice):
        _threshold(choice)
    else:
        _share(choice)
    return st.empty()


def rounding(choice: Choice) -> None:
    """Draw how finely weights and activations are stored."""
    st.select_slider(
        _("Weights in"),
        WEIGHT_BITS,
        format_func=_bits,
        disabled=bool(choice.recipe),
        help=help_of(
            choice,
            _(
                "Bits for each weight. 8 bits can hold 256 different values, 4 bits 16. "
                "Trained networks use 32."
            ),
        ),
        **keep("weight_bits"),
    )
    st.select_slider(
        _("Activations in"),
        ACTIVATION_BITS,
        format_func=lambda bits: _("off") if bits == FLOAT else _bits(bits),
        disabled=bool(choice.recipe),
        help=help_of(
            choice,
            _(
                "Bits for the values that flow from layer to layer. They make the network faster "
                "on many devices, not its file smaller."
            ),
        ),
        **keep("activation_bits"),
    )


SHARES = {
    "weight": N_("Share of weights to remove"),
    "n:m": N_("Share of weights to remove"),
    "kernel": N_("Share of kernels to remove"),
    "channel": N_("Share of channels to remove"),
}


def _share(choice: Choice) -> None:
    pattern = choice.granularity == "n:m"
    st.slider(
        _(SHARES[choice.granularity]),
        0,
        MOST_SHARE,
        format="%d %%",
        disabled=pattern or bool(choice.recipe),
        help=help_of(
            choice,
            _("The pattern {pattern} says how many stay; see More techniques.").format(
                pattern=choice.n_of_m.replace(":", _(" of "))
            )
            if pattern
            else _("At 60 %, the 60 least important of every 100 go."),
        ),
        **keep("share"),
    )


def _threshold(choice: Choice) -> None:
    st.slider(
        _("Remove weights smaller than"),
        0.0,
        HIGHEST_THRESHOLD,
        step=THRESHOLD_STEP,
        format="%.3f",
        disabled=bool(choice.recipe),
        help=help_of(choice, _("A weight goes when its size, without the sign, is below this.")),
        **keep("threshold"),
    )


def keep(field: str) -> dict[str, Any]:
    """Return what lets a control own one field of the choice, across pages."""
    return {"key": state.key(field), "persist_state": "session"}


def help_of(choice: Choice, text: str) -> str:
    """Return the help of a control, or why it rests."""
    return _(WHY_WORN) if choice.recipe else text


def _bits(bits: int) -> str:
    return _("{bits} bit").format(bits=bits)
