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
    WEIGHT_BITS,
    Choice,
    preset_of,
)
from pages.shared.words import _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_PRESET = "explore.preset"
WHY_WORN = _("An imported recipe decides at the moment; take it off to use the controls.")


def presets(choice: Choice) -> None:
    """Draw three buttons that move the other controls; none is lit when these stand elsewhere."""
    st.session_state[_PRESET] = preset_of(choice)
    names = {"gentle": _("Gentle"), "balanced": _("Balanced"), "bold": _("Bold")}
    st.segmented_control(
        _("How bold?"),
        list(PRESETS),
        format_func=names.__getitem__,
        key=_PRESET,
        on_change=_apply_preset,
        width="stretch",
        disabled=bool(choice.recipe),
        help=_help(choice, _("Three ready-made settings to start from. They move the sliders.")),
    )


def pruning(choice: Choice) -> "DeltaGenerator":
    """Draw what decides how much goes; returns the place for the sentence beneath."""
    channels = choice.granularity == "channel"
    st.segmented_control(
        _("Remove weights by"),
        ["share", "threshold"],
        format_func={"share": _("Share"), "threshold": _("Size")}.__getitem__,
        required=True,
        disabled=channels or bool(choice.recipe),
        help=_help(
            choice,
            _("Whole channels are removed by share; choose single weights to use a size.")
            if channels
            else _(
                "Small weights matter least. Say how many go, or below which size they go: "
                "two views of the same choice."
            ),
        ),
        **_keep("prune_by"),
    )
    if channels or choice.prune_by == "share":
        _share(choice, channels)
    else:
        _threshold(choice)
    return st.empty()


def rounding(choice: Choice) -> None:
    """Draw how finely weights and activations are stored."""
    st.select_slider(
        _("Weights in"),
        WEIGHT_BITS,
        format_func=_bits,
        disabled=bool(choice.recipe),
        help=_help(
            choice,
            _(
                "Bits for each weight. 8 bits can hold 256 different values, 4 bits 16. "
                "Trained networks use 32."
            ),
        ),
        **_keep("weight_bits"),
    )
    st.select_slider(
        _("Activations in"),
        ACTIVATION_BITS,
        format_func=lambda bits: _("off") if bits == FLOAT else _bits(bits),
        disabled=bool(choice.recipe),
        help=_help(
            choice,
            _(
                "Bits for the values that flow from layer to layer. They make the network faster "
                "on many devices, not its file smaller."
            ),
        ),
        **_keep("activation_bits"),
    )


def more(choice: Choice) -> None:
    """Draw the switches that most people leave alone."""
    _either(
        choice,
        "granularity",
        _("Remove"),
        {"weight": _("Single weights"), "channel": _("Whole channels")},
        _(
            "Single weights leave holes that only a packed file profits from. Whole channels make "
            "every layer smaller and the network faster, at a higher price."
        ),
    )
    line = choice.granularity == "weight" and choice.prune_by == "threshold"
    _either(
        choice,
        "allocation",
        _("Spread over layers"),
        {"uniform": _("Same share"), "global": _("Smallest anywhere")},
        _("The same share goes from each layer, or the smallest weights wherever they are."),
        _("With a size, each layer loses what lies below it; choose a share.") if line else None,
    )
    unrounded = _("Weights are not rounded; choose fewer than 32 bits.")
    why = unrounded if choice.weight_bits == FLOAT and not choice.overrides else None
    _either(
        choice,
        "scale",
        _("One scale for each"),
        {"per_channel": _("Channel"), "per_tensor": _("Layer")},
        _("How many weights share their set of allowed values. By channel is more exact."),
        why,
    )
    _either(
        choice,
        "scheme",
        _("Allowed values"),
        {"symmetric": _("Symmetric"), "affine": _("Fitted")},
        _("The same range on both sides of zero, or moved to where the weights are (affine)."),
        why,
    )


def _share(choice: Choice, channels: bool) -> None:
    st.slider(
        _("Share of channels to remove") if channels else _("Share of weights to remove"),
        0,
        MOST_SHARE,
        format="%d %%",
        disabled=bool(choice.recipe),
        help=_help(choice, _("At 60 %, the 60 smallest of every 100 go.")),
        **_keep("share"),
    )


def _threshold(choice: Choice) -> None:
    st.slider(
        _("Remove weights smaller than"),
        0.0,
        HIGHEST_THRESHOLD,
        step=0.002,
        format="%.3f",
        disabled=bool(choice.recipe),
        help=_help(choice, _("A weight goes when its size, without the sign, is below this.")),
        **_keep("threshold"),
    )


def _either(
    choice: Choice, field: str, label: str, names: dict[str, str], text: str, why: str | None = None
) -> None:
    st.segmented_control(
        label,
        list(names),
        format_func=names.__getitem__,
        required=True,
        width="stretch",
        disabled=bool(choice.recipe or why),
        help=_help(choice, why or text),
        **_keep(field),
    )


def _keep(field: str) -> dict[str, Any]:
    return {"key": state.key(field), "persist_state": "session"}


def _help(choice: Choice, text: str) -> str:
    return WHY_WORN if choice.recipe else text


def _bits(bits: int) -> str:
    return _("{bits} bit").format(bits=bits)


def _apply_preset() -> None:
    name = st.session_state[_PRESET]
    if name:
        state.apply_preset(name)
