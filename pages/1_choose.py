"""What do you want to shrink? One card for each trained network."""

from collections.abc import Sequence

import streamlit as st

from compress_core import catalogue, wardrobe
from pages.shared import cached, frame, notes, own, rates, samples, state, tables, words
from pages.shared.words import _

PER_ROW = 3
START_HERE = "fashion-mnist/lenet-5"
"""Small enough for everything to be at once, and not too easy."""


def card(name: str, index: int, primary: bool) -> None:
    copies = catalogue.seeds(name)
    key = f"choose.copy.{name}"
    seed = st.session_state.get(key, copies[0])
    with st.container(border=True, height="stretch", key=f"choose.card.{name}"):
        mine = wardrobe.is_own(name)
        samples.show(name, start=3 * index)
        st.subheader(words.network(name), anchor=False)
        st.markdown(f"{words.question(name)} :gray[{words.data_set(name)}]")
        shown = cached.entry(name, seed)
        facts(shown, own.standing(wardrobe.record(name)) if mine else unlabelled())
        for line in notes.lines(shown):
            st.caption(line)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if st.button(
                _("Try on"),
                key=f"choose.try.{name}",
                type="primary" if primary else "secondary",
                on_click=state.try_on,
                args=(name, seed),
                help=_("Take this network to the fitting room. The original is never changed."),
            ):
                st.switch_page(frame.EXPLORE)
            if len(copies) > 1:
                copy_choice(key, copies)
            if mine:
                own.removal(name)


def facts(shown: catalogue.Entry, standing: str) -> None:
    measured = shown.test.n > 0
    tables.facts(
        [
            (_("Size"), words.size(shown.fp32_bytes)),
            (_("Parameters"), f"{shown.parameters:,}"),
            (_("Accuracy"), words.accuracy(shown.test) if measured else _("unknown")),
            *((f.line, words.accuracy(f.rate)) for f in rates.figures(shown.name, shown.per_class)),
        ],
        alt=_("What the network is before compression"),
    )
    if not measured:
        st.badge(standing, color="gray")
        return
    st.badge(
        words.measured_on(shown.test, "test"),
        color="gray",
        help=_("Right answers on samples it has never seen; ± is the 95 % interval."),
    )


def unlabelled() -> str:
    return _("no labels: agreement with the original")


def copy_choice(key: str, copies: tuple[int, ...]) -> None:
    with st.popover(_("Other copies"), type="tertiary"):
        st.segmented_control(
            _("Trained copy"),
            copies,
            required=True,
            default=copies[0],
            format_func=lambda seed: str(seed + 1),
            key=key,
            persist_state="session",
            help=_(
                "The same network, trained again from another random start. What holds for all "
                "copies is no accident."
            ),
        )


def of_domain(names: Sequence[str]) -> list[str]:
    """Let the user narrow *names* down to one domain; all are shown until then."""
    found = {words.domain(name): None for name in names}
    wanted = st.pills(
        _("What is it about?"),
        [domain for domain in words.DOMAINS if domain in found],
        format_func=lambda domain: _(words.DOMAINS[domain]),
        key="choose.domain",
        persist_state="session",
        label_visibility="collapsed",
    )
    return [name for name in names if wanted in (None, words.domain(name))]


frame.begin(frame.CHOOSE, _("Choose"))
st.title(_("What do you want to shrink?"), anchor=False)
st.markdown(
    _(
        "Each of these networks has learned its task. Try one on, take weights away, round the "
        "rest, and see at once what it saves and what it loses."
    )
)
names = of_domain((*catalogue.names(), wardrobe.OWN))
for start in range(0, len(names), PER_ROW):
    columns = st.columns(PER_ROW, gap="medium")
    for index, (column, name) in enumerate(zip(columns, names[start:], strict=False), start):
        with column:
            if name == wardrobe.OWN:
                own.card()
            else:
                card(name, index, primary=name == START_HERE)
own.section()
