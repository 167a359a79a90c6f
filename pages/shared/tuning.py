"""How to fine-tune: the controls, what they say as a `Finetune`, and their part of the address."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from compress_core.recipe import Finetune, RecipeError
from pages.shared import words
from pages.shared.words import N_, _

FIRST = Finetune(epochs=3)
"""What the controls stand on at a first visit."""
EPOCHS = (1, 2, 3, 5, 8, 12, 20, 30, 50)
RATES = {3e-4: N_("Careful"), 1e-3: N_("Usual"), 3e-3: N_("Bold"), 1e-2: N_("Wild")}
SAMPLES = (1_000, 5_000)
ALL = 0
"""Stands for all samples in the control: it can hold anything but None."""
ORIGINAL = 1.0
"""All of the loss asks for the original's answers."""
TEACHERS = {0.0: N_("Labels"), 0.5: N_("Both"), ORIGINAL: N_("Original")}
CYCLES = (1, 2, 3, 5, 8)
NEVER = 0.0
"""Stands for no limit in the control."""
DROPS = (NEVER, 0.005, 0.01, 0.02, 0.05)
QUERY = {
    "epochs": "epochs", "lr": "rate", "samples": "train", "amp": "mixed", "seed": "shuffle",
    "scales": "steps", "teacher": "teacher", "temperature": "soften", "cycles": "cycles",
    "max_drop": "stop",
}  # fmt: skip
"""Field of a `Finetune` -> its name in the address."""

Option = TypeVar("Option")


def begin(labelled: bool) -> Finetune:
    """
    Bring controls and address together at the start of a page; returns what is chosen.

    Where nobody *labelled* the samples there is only the original to learn from.
    """
    if _key("epochs") not in st.session_state:
        put(_read({name: st.query_params.get(name, "") for name in QUERY.values()}))
    plan, first = chosen(labelled), _taught(FIRST, labelled)
    for field, name in QUERY.items():
        value = getattr(plan, field)
        if value == getattr(first, field):
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != _text(value):
            st.query_params[name] = _text(value)
    return plan


def chosen(labelled: bool) -> Finetune:
    """Return what the controls say now, of a network whose samples are *labelled* or not."""
    values = {f: st.session_state.get(_key(f), getattr(FIRST, f)) for f in QUERY}
    values["samples"] = values["samples"] or None
    # One cycle has nothing to stop; the control rests and keeps its value.
    values["max_drop"] = (values["max_drop"] or None) if values["cycles"] > 1 else None
    return _taught(replace(FIRST, **values), labelled)


def _taught(plan: Finetune, labelled: bool) -> Finetune:
    return plan if labelled else replace(plan, teacher=ORIGINAL)


def put(plan: Finetune, *, labelled: bool = True) -> None:
    """
    Move the controls; only before they are drawn.

    Where nobody *labelled* the samples the teacher was no choice: its control stays, for the next
    network that has labels.
    """
    if not labelled:
        stands = st.session_state.get(_key("teacher"), FIRST.teacher)
        plan = replace(plan, teacher=stands)
    for field in QUERY:
        st.session_state[_key(field)] = getattr(plan, field)
    st.session_state[_key("samples")] = plan.samples or ALL
    st.session_state[_key("max_drop")] = plan.max_drop or NEVER


def planned(**fields: Any) -> Finetune:
    """Return what the controls stand on at a first visit, with *fields* changed."""
    return replace(FIRST, **fields)


def controls(plan: Finetune, training_samples: int, amp_reason: str) -> None:
    """Draw what most people set; *amp_reason* is what this machine makes of mixed precision."""
    st.select_slider(
        _("Epochs"),
        _with(EPOCHS, plan.epochs),
        help=_("How often it sees all training samples. More takes longer and may win more back."),
        **_keep("epochs"),
    )
    st.selectbox(
        _("Learning rate"),
        _with(tuple(RATES), plan.lr),
        format_func=_rate,
        help=_("How far one step moves the weights. Too far undoes what it had learned."),
        **_keep("lr"),
    )
    st.segmented_control(
        _("Train on"),
        _sizes(training_samples, plan.samples),
        format_func=lambda count: (
            f"{count:,}" if count else _("All {count}").format(count=f"{training_samples:,}")
        ),
        required=True,
        width="stretch",
        help=_("Fewer samples give a quick answer; all of them give the best one."),
        **_keep("samples"),
    )
    st.toggle(
        _("Mixed precision"),
        help=_("Computes in 16-bit numbers where that is faster. Weights are still kept in 32."),
        **_keep("amp"),
    )
    st.caption(amp_reason)


def more(plan: Finetune, labelled: bool) -> None:
    """Draw what most people leave alone: the teacher, learned steps, cycles, the seed."""
    if labelled:
        st.segmented_control(
            _("Learn from"),
            _with(tuple(TEACHERS), plan.teacher),
            format_func=lambda share: _(TEACHERS.get(share, f"{share:.0%}")),
            required=True,
            width="stretch",
            help=_(
                "The labels of the samples, the answers of the original network (distillation), "
                "or both. The original needs no labels."
            ),
            **_keep("teacher"),
        )
    st.slider(
        _("Soften its answers"),
        1.0,
        20.0,
        step=1.0,
        disabled=plan.teacher == 0,
        help=_("A softer teacher says more about the classes it did not choose.")
        if plan.teacher
        else _("Only the original's answers can be softened; learn from it first."),
        **_keep("temperature"),
    )
    st.segmented_control(
        _("Grid steps"),
        ["fixed", "learned"],
        format_func={"fixed": _("As they are"), "learned": _("Learned")}.__getitem__,
        required=True,
        width="stretch",
        help=_(
            "Whether the distance between allowed values is trained too (LSQ). Even steps only."
        ),
        **_keep("scales"),
    )
    st.select_slider(
        _("Prune and train in turns"),
        _with(CYCLES, plan.cycles),
        help=_("Takes a part, trains, takes more, until all is gone that should. Slower, gentler."),
        **_keep("cycles"),
    )
    st.selectbox(
        _("Stop when it loses more than"),
        _with(DROPS, plan.max_drop or NEVER),
        format_func=lambda drop: words.points(drop).lstrip("+") if drop else _("never"),
        disabled=plan.cycles == 1,
        help=_("The turns end before one that falls further below the original on validation.")
        if plan.cycles > 1
        else _("There is only one turn; choose more first."),
        **_keep("max_drop"),
    )
    st.number_input(
        _("Shuffle"),
        min_value=0,
        max_value=2**31 - 1,
        help=_("Draws the order of the samples. The same number gives the same result."),
        **_keep("seed"),
    )


def _sizes(count: int, now: int | None) -> tuple[int, ...]:
    few = [size for size in _with(SAMPLES, now or SAMPLES[0]) if size < count]
    return (*few, ALL)


def _with(options: Sequence[Option], now: Option) -> tuple[Option, ...]:
    """Return the options, and among them what is chosen: it may come from a link or a run."""
    if now in options:
        return tuple(options)
    return tuple(sorted([*options, now]))  # type: ignore[type-var]


def _rate(value: float) -> str:
    return f"{_(RATES[value])} · {value:g}" if value in RATES else f"{value:g}"


def _key(field: str) -> str:
    return f"tuning.{field}"


def _keep(field: str) -> dict[str, Any]:
    return {"key": _key(field), "persist_state": "session"}


def _text(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else str(int(value))


def _read(query: dict[str, str]) -> Finetune:
    """Read an address; what is missing or makes no sense keeps its first value."""
    plan = FIRST
    for field, name in QUERY.items():
        try:
            plan = replace(plan, **{field: READERS[field](query[name])})
        except (ValueError, RecipeError):
            continue
    return plan


READERS: dict[str, Callable[[str], Any]] = {
    "epochs": int,
    "lr": float,
    "samples": lambda text: None if text == "all" else int(text),
    "amp": lambda text: bool(int(text)),
    "seed": int,
    "scales": str,
    "teacher": float,
    "temperature": float,
    "cycles": int,
    "max_drop": float,
}
