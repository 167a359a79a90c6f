"""
The state of a session: the position of every control, kept by the controls' own keys.

Each page's address carries the whole choice, not only the controls that the page draws, so that a
reload or a shared link of *any* page brings everything back. (A widget with `bind="query-params"`
is in the address only while its page shows it, and under its translated label.)
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from random import Random
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from compress_core import catalogue, wardrobe
from compress_core.recipe import Recipe
from pages.shared import history, language
from pages.shared.address import LANGUAGE, QUERY, from_query, to_query
from pages.shared.choice import FLOAT, PRESETS, Choice, recipe_of

_STARTED, _HISTORY, _ABSENT = "choice.started", "choice.history", "choice.absent"


def key(field: str) -> str:
    """Return the key of the control that holds one field of the choice."""
    return f"choice.{field}"


def begin(*, clean: bool = False) -> Choice:
    """
    Bring state and address together at the start of a page; returns what is chosen.

    An address says at least which network is on, so that going back and forth in the browser finds
    each state again; *clean* leaves it bare while nothing has been touched.
    """
    address = {name: st.query_params[name] for name in QUERY.values() if name in st.query_params}
    travelled = bool(getattr(get_script_run_ctx(), "is_history_navigation", False))
    if _STARTED not in st.session_state:
        _write(_present(from_query(address)), only_missing=not address)
        st.session_state[_STARTED] = True
    elif travelled and address:
        _write(_present(from_query(address)))
    said = {LANGUAGE: st.query_params[LANGUAGE]} if LANGUAGE in st.query_params else {}
    spoken = language.follow({**address, **said}, travelled)
    chosen = choice()
    if wardrobe.is_own(chosen.scenario) and chosen.scenario not in wardrobe.names():
        chosen = _present(chosen)  # removed meanwhile, perhaps in another tab
        _write(chosen)
    st.session_state[_HISTORY] = history.record(st.session_state.get(_HISTORY), chosen)
    untouched = clean and not address and chosen == Choice()
    # A bare address met on the way back stays bare, or there would be no way past it.
    if not (travelled and not address):
        wanted = {} if untouched else to_query(chosen)
        _publish({**address, **said}, {**wanted, **spoken})
    return chosen


def choice() -> Choice:
    """Return what is chosen now, read from the controls."""
    values = {f.name: st.session_state.get(key(f.name), f.default) for f in fields(Choice)}
    return Choice(**values)


def absent() -> bool:
    """Tell whether the network that a link asks for is not on this machine."""
    return _ABSENT in st.session_state


def recipe() -> Recipe:
    """Return the recipe that the controls describe now (without fine-tuning)."""
    return recipe_of(choice())


def put(**values: Any) -> None:
    """Move controls, by the fields of a choice; only in callbacks, before they are drawn."""
    for field, value in values.items():
        st.session_state[key(field)] = value


def try_on(scenario: str, seed: int) -> None:
    """Put another network on; what was said of single layers of the last one is forgotten."""
    st.session_state.pop(_ABSENT, None)
    if (scenario, seed) != (choice().scenario, choice().seed):
        put(scenario=scenario, seed=seed, overrides=(), recipe="")


def apply_preset(name: str) -> None:
    """Move the controls to a preset; without samples activations cannot be rounded."""
    put(**PRESETS[name], overrides=(), recipe="")
    worn = choice().scenario
    if wardrobe.is_own(worn) and wardrobe.record(worn).against == "nothing":
        put(activation_bits=FLOAT)


def tried() -> history.History:
    """Return what was tried on this network in this session."""
    found: history.History = st.session_state[_HISTORY]
    return found


def travel(move: Callable[[history.History], history.History]) -> None:
    """Move the controls back or forth: *move* is `undo` or `redo`."""
    st.session_state[_HISTORY] = moved = move(tried())
    _write(moved.present)


def reset() -> None:
    """Move the controls to where they stood at first."""
    _write(history.reset(choice()))


def surprise() -> None:
    """Move the controls to a setting by chance."""
    _write(history.surprise(choice(), Random()))


def wear(imported: Recipe) -> None:
    """Let a recipe from elsewhere decide, whole: a file, or a run from the history."""
    put(recipe=imported.to_json())


def take_off() -> None:
    """Let the controls decide again."""
    put(recipe="")


def _write(chosen: Choice, only_missing: bool = False) -> None:
    for field in fields(Choice):
        if not only_missing or key(field.name) not in st.session_state:
            st.session_state[key(field.name)] = getattr(chosen, field.name)


def _present(chosen: Choice) -> Choice:
    """Return the choice with a network and layers that are there."""
    names = catalogue.names()
    if wardrobe.is_own(chosen.scenario) and chosen.scenario not in names:
        st.session_state[_ABSENT] = True
    name = next(n for n in (chosen.scenario, Choice().scenario, *names) if n in names)
    seeds = catalogue.seeds(name)
    seed = chosen.seed if chosen.seed in seeds else seeds[0]
    layers = catalogue.layers(name, seed)
    own = tuple(o for o in chosen.overrides if o.layer in layers)
    return replace(chosen, scenario=name, seed=seed, overrides=own)


def _publish(address: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    if address == wanted:
        return
    known = {*QUERY.values(), LANGUAGE}
    others = {n: st.query_params.get_all(n) for n in st.query_params if n not in known}
    st.query_params.from_dict({**others, **wanted})
