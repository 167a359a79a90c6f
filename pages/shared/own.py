"""Your own: the last card on Choose, what was brought before, and the way of something new."""

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from compress_core import wardrobe
from pages.shared import frame, own_data, own_network, own_sequence, state, words
from pages.shared import own_desk as desks
from pages.shared.choice import FLOAT, Choice
from pages.shared.own_chooser import choose_here
from pages.shared.own_desk import Desk
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.network import Network

_COUNT = "own.uploads"


def card() -> None:
    """Draw the card that takes a file."""
    with st.container(border=True, height="stretch", key="choose.card.own"):
        st.subheader(_("Your own"), anchor=False)
        st.markdown(
            _(
                "Drop the file of a trained network: ONNX, TorchScript, a PyTorch exported program "
                "(.pt2), safetensors, a state dict, or .fit. You are asked only what the file does "
                "not tell."
            )
        )
        # Another key each time: what was uploaded is on disk then, and leaves the memory.
        key = f"own.file.{st.session_state.get(_COUNT, 0)}"
        st.file_uploader(
            _("Network file"),
            key=key,
            max_upload_size=desks.most_megabytes(),
            on_change=_receive,
            args=(key,),
            help=_(
                "It stays on the machine that this app runs on, and nothing in it is executed: a "
                "process of its own reads it, with little memory and time."
            ),
        )
        choose_here("own.here", desks.open_at)


def _receive(key: str) -> None:
    file = st.session_state.get(key)
    if file is not None:
        desks.open_with(file.name, file)
        st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1


def section() -> None:
    """Draw the steps for what lies on the desk; nothing while it is empty."""
    desk = desks.current()
    if desk is None:
        return
    with st.container(border=True, key="own.desk"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(desk.file.name, anchor=False)
            st.button(
                _("Put it away"), key="own.clear", on_click=desks.clear, type="tertiary",
                icon=":material/close:", help=_("Forgets this file; nothing of it is kept."),
            )  # fmt: skip
        network = own_network.step(desk)
        ready = own_data.step(desk, network) if network else None
        if network and ready:
            own_sequence.step(desk, ready)
            _finish(desk, network, ready)


def _finish(desk: Desk, network: "Network", ready: own_data.Ready) -> None:
    key = ("take in", id(network), id(ready.samples), ready.scaling)
    if job := desk.jobs.get(key):
        name = desks.outcome(job, _("Measuring the original …"))
        if name:
            desks.clear()
            state.try_on(name, 0)
            if is_blind(name):
                state.put(activation_bits=FLOAT)
            st.switch_page(frame.EXPLORE)
        if not job.problem:
            return
        del desk.jobs[key]  # to be tried again, when there is room on the disk, say
    work = partial(_take_in, desk, network, ready)
    st.button(
        _("Try it on"),
        key="own.take",
        type="primary",
        on_click=_begin,
        args=(desk, key, work),
        help=_("It stays here as a card, until you remove it."),
    )


def _begin(desk: Desk, key: Hashable, work: Callable[[], str]) -> None:
    desk.ask(key, work)


def _take_in(desk: Desk, network: "Network", ready: own_data.Ready) -> str:
    from compress_core.take_in import take_in

    assert desk.opinion is not None
    return take_in(
        network,
        desk.file.name,
        desk.opinion.findings.format,
        ready.samples,
        ready.scaling,
        ready.pictures,
    )


def pictures(name: str) -> Path | None:
    """Return the file with some samples of a network that was brought, where they can be seen."""
    path = wardrobe.place(name) / wardrobe.PICTURES
    return path if path.is_file() else None


def standing(known: wardrobe.Record) -> str:
    """Say what the answers of a network that was brought are compared with."""
    samples = words.samples(sum(known.samples), "").replace("  ", " ")
    if known.against == "nothing":
        return _("no data: accuracy is unknown")
    if known.against == "original":
        return _("no labels: agreement on {samples}").format(samples=samples)
    return samples


def is_blind(name: str) -> bool:
    """Tell whether a network was brought without any data."""
    return wardrobe.is_own(name) and wardrobe.record(name).against == "nothing"


def removal(name: str) -> None:
    """Draw the way to remove a network that was brought; it asks once more."""
    with st.popover(_("Remove"), type="tertiary", key=f"own.remove.{name}"):
        st.markdown(
            _("Remove {network} and its data from this machine? Runs stay, without it.").format(
                network=f"**{words.network(name)}**"
            )
        )
        st.button(_("Remove it"), key=f"own.removed.{name}", on_click=_remove, args=(name,))


def _remove(name: str) -> None:
    wardrobe.remove(name)
    if state.choice().scenario == name:
        state.try_on(Choice().scenario, Choice().seed)
