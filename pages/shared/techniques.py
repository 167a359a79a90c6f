"""More techniques: what most people leave alone, in three drawers."""

import streamlit as st

from pages.shared import frame
from pages.shared.choice import ALL_KEPT, FLOAT, LEAST_KEPT, Choice, by_threshold
from pages.shared.controls import help_of, keep
from pages.shared.words import N_, _

GRANULARITIES = {
    "weight": N_("Single weights"),
    "n:m": N_("A few of every few"),
    "kernel": N_("Kernels"),
    "channel": N_("Whole channels"),
}
CRITERIA = {
    "l2": N_("Size, squared"),
    "l1": N_("Size"),
    "taylor": N_("Effect on the loss"),
    "wanda": N_("Size times input"),
    "random": N_("Chance"),
}
ALLOCATIONS = {
    "uniform": N_("Same share"),
    "global": N_("Least anywhere"),
    "lamp": N_("Least anywhere, by layer (LAMP)"),
    "erk": N_("More from large layers (ERK)"),
}
SCALES = {"per_channel": N_("Channel"), "per_tensor": N_("Layer"), "per_group": N_("32 weights")}
GRIDS = {
    "linear": N_("Even steps"),
    "codebook": N_("Found in the weights"),
    "power_of_two": N_("Powers of two"),
}
CALIBRATIONS = {
    "minmax": N_("Everything"),
    "percentile": N_("All but the rarest"),
    "mse": N_("What keeps the error small"),
    "entropy": N_("What keeps the distribution"),
}
METHODS = {"tucker": N_("Channels"), "spatial": N_("Rows and columns")}
KEPT_OF = {"energy": N_("Energy"), "rank": N_("Ranks")}


_OPEN = "explore.more"


def more(choice: Choice) -> None:
    """Draw what unfolds to three drawers; while closed it costs nothing."""
    place = st.expander(_("More techniques"), key=_OPEN, on_change="rerun")
    if place.open:
        with place:
            _drawers(choice)


def _drawers(choice: Choice) -> None:
    """Draw what goes, how the rest is rounded, and low rank."""
    removing, rounding, low_rank = st.tabs([_("Removing"), _("Rounding"), _("Low rank")])
    with removing:
        _removing(choice)
        _explained("pruning")
    with rounding:
        _rounding(choice)
        _explained("rounding")
    with low_rank:
        _low_rank(choice)


def _explained(concept: str) -> None:
    if st.button(
        _("How does this work?"),
        key=f"explore.learn.{concept}",
        type="tertiary",
        icon=":material/school:",
    ):
        st.switch_page(frame.LEARN, query_params={"concept": concept})


def _removing(choice: Choice) -> None:
    _one_of(
        choice,
        "granularity",
        _("Remove"),
        GRANULARITIES,
        _(
            "Single weights leave holes that only a packed file profits from. Whole channels make "
            "every layer smaller and the network faster, at a higher price."
        ),
    )
    if choice.granularity == "n:m":
        _few_of(
            choice,
            "n_of_m",
            _("Keep at most"),
            {pattern: pattern.replace(":", _(" of ")) for pattern in ("1:4", "2:4", "4:8")},
            _("A regular pattern that some graphics cards compute faster."),
        )
    _one_of(
        choice,
        "criterion",
        _("Keep what has most"),
        CRITERIA,
        _("How importance is told. The loss and the inputs are looked up on training samples."),
    )
    why = _("With a size, each layer loses what lies below it; choose a share.")
    pattern = _("A pattern takes the same from each layer.")
    _one_of(
        choice,
        "allocation",
        _("Spread over layers"),
        ALLOCATIONS,
        _("The same share goes from each layer, or more where it matters less."),
        why if by_threshold(choice) else pattern if choice.granularity == "n:m" else None,
    )
    if choice.granularity == "channel":
        _switch(
            choice,
            "eights",
            _("Leave multiples of eight"),
            _("Processors work on several channels at once; eights waste nothing."),
        )
    else:
        _switch(
            choice,
            "gradual",
            _("Little by little"),
            _("Weights go step by step while fine-tuning, so that the others can take over."),
            None
            if choice.granularity != "n:m" and not by_threshold(choice)
            else _("Only a share can grow little by little; choose a share."),
        )


def _rounding(choice: Choice) -> None:
    own = any(override.bits is not None for override in choice.overrides)
    unrounded = choice.weight_bits == FLOAT and not own
    why = _("Weights are not rounded; choose fewer than 32 bits.") if unrounded else None
    table = _("More than 256 values are not worth a table; choose 8 bits or fewer.")
    _one_of(
        choice,
        "grid",
        _("Allowed values"),
        GRIDS,
        _("Even steps run fast everywhere. The others fit the weights better at few bits."),
        why or (table if choice.grid == "codebook" and choice.weight_bits > 8 else None),
        rests=why is not None,
    )
    _few_of(
        choice,
        "scale",
        _("One scale for each"),
        SCALES,
        _("How many weights share their set of allowed values. Fewer are more exact."),
        why,
    )
    uneven = _("Only even steps can be fitted; these values have two like sides.")
    _few_of(
        choice,
        "scheme",
        _("Range"),
        {"symmetric": _("Symmetric"), "affine": _("Fitted")},
        _("The same range on both sides of zero, or moved to where the weights are (affine)."),
        why or (uneven if choice.grid != "linear" else None),
    )
    _one_of(
        choice,
        "calibration",
        _("The range covers"),
        CALIBRATIONS,
        _(
            "Leaving out a few large values gives the many small ones finer steps. "
            "For groups of 32, the distribution is too small: there the error decides."
        ),
    )
    _finer(choice, why)


def _finer(choice: Choice, why: str | None) -> None:
    """Draw what costs a little time; *why* it rests where weights are not rounded."""
    _few_of(
        choice,
        "activation_grid",
        _("Activations on"),
        {"linear": GRIDS["linear"], "power_of_two": GRIDS["power_of_two"]},
        _("Powers of two turn multiplying into shifting, on hardware made for it."),
        _("Activations are not rounded; choose bits for them.")
        if choice.activation_bits == FLOAT
        else None,
    )
    nearest = _("Up or down can be learned for even steps only.")
    _switch(
        choice,
        "learned",
        _("Learn each rounding"),
        _("Up or down, whichever keeps the answers. Takes seconds to some minutes."),
        why or (nearest if choice.grid != "linear" else None),
    )
    if choice.learned and choice.grid == "linear" and not why:
        _few_of(
            choice,
            "reconstruction",
            _("Learn by"),
            {"layer": _("Layer"), "block": _("Layer, then block")},
            _("Two or three layers then learn what they give together. Takes twice as long."),
        )
    _switch(
        choice,
        "bias_correction",
        _("Correct the biases"),
        _("Gives each output back the mean that rounding took."),
        why,
    )
    _switch(
        choice,
        "equalize",
        _("Even out layers first"),
        _("One layer multiplies what the next divides, so that both are easier to round."),
        why,
    )


def _low_rank(choice: Choice) -> None:
    st.slider(
        _("Keep of each layer"),
        LEAST_KEPT,
        ALL_KEPT,
        format="%d %%",
        disabled=bool(choice.recipe),
        help=help_of(
            choice,
            _(
                "Splits a layer into thinner ones in a row where that saves weights. "
                "At 100 % layers stay as they are."
            ),
        ),
        **keep("kept"),
    )
    whole = _("All is kept; move the slider first.") if choice.kept == ALL_KEPT else None
    _few_of(
        choice,
        "kept_of",
        _("Counted in"),
        KEPT_OF,
        _("As many parts as carry this much of the energy, or this share of all parts."),
        whole,
    )
    _few_of(
        choice,
        "method",
        _("Split convolutions by"),
        METHODS,
        _("Fewer channels inside (Tucker-2), or a column and then a row (spatial SVD)."),
        whole,
    )


def _one_of(
    choice: Choice,
    field: str,
    label: str,
    names: dict[str, str],
    text: str,
    why: str | None = None,
    rests: bool = True,
) -> None:
    st.selectbox(
        label,
        list(names),
        format_func=lambda name: _(names[name]),
        disabled=bool(choice.recipe or (why and rests)),
        help=help_of(choice, why or text),
        **keep(field),
    )


def _few_of(
    choice: Choice, field: str, label: str, names: dict[str, str], text: str, why: str | None = None
) -> None:
    st.segmented_control(
        label,
        list(names),
        format_func=lambda name: _(names[name]),
        required=True,
        width="stretch",
        disabled=bool(choice.recipe or why),
        help=help_of(choice, why or text),
        **keep(field),
    )


def _switch(choice: Choice, field: str, label: str, text: str, why: str | None = None) -> None:
    st.toggle(
        label,
        disabled=bool(choice.recipe or why),
        help=help_of(choice, why or text),
        **keep(field),
    )
