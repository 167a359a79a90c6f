"""Both answers side by side, what they cost, and where they differ."""

from typing import TYPE_CHECKING

import streamlit as st

from compress_core.chances import Chance, chance_bars
from pages.shared import given, sample_browser, tables, words
from pages.shared.words import _, ngettext, roles

if TYPE_CHECKING:
    from compress_core.latency import Latency
    from compress_core.scenarios import Scenario
    from compress_core.try_out import Answer, Answers, Difference, Differences
    from compress_core.worth import Worth

Labels = tuple[str, ...]
MOST_CLASSES = 4
SIDE = 112
"""Pixels of a picture of a difference."""


def show(labels: Labels, said: "Answers", truth: int | None) -> None:
    """Say whether both answer the same, and show how sure each of them is."""
    st.subheader(agreement(labels, said), anchor=False)
    if truth is not None:
        st.markdown(_verdict(labels, said, truth))
    classes = said.likeliest(MOST_CLASSES)
    columns = st.columns(2, gap="medium")
    for column, colour, role, answer in (
        (columns[0], "blue", roles().original, said.original),
        (columns[1], "orange", roles().compressed, said.compressed),
    ):
        with column:
            st.markdown(f":{colour}[**{role}**]")
            _bars(labels, role, answer, classes)


def agreement(labels: Labels, said: "Answers") -> str:
    """Return one sentence: whether both name the same class, and which."""
    first, second = said.original.predicted, said.compressed.predicted
    if said.agree:
        return _("Both say {answer}").format(answer=_name(labels, first))
    return _("They differ: {original} became {compressed}").format(
        original=_name(labels, first), compressed=_name(labels, second)
    )


def costs(was: "Worth", now: "Worth", times: "Latency | None") -> None:
    """Show bytes and milliseconds of both; the latter once they were measured."""
    rows = [
        (
            _("File"),
            words.size(was.fp32_bytes),
            words.size(now.packed_bytes),
            words.change(was.fp32_bytes, now.packed_bytes),
        )
    ]
    if times is not None:
        rows.append(
            (
                _("Time for one"),
                _milliseconds(times.before),
                _milliseconds(times.after),
                words.change(times.before, times.after),
            )
        )
    header = [
        " ", f":blue[{roles().original}]", f":orange[{roles().compressed}]", _("Change")
    ]  # fmt: skip
    tables.facts(rows, header, alt=_("What an answer costs"))
    if times is None:
        st.badge(_("measured · packed file"), color="gray")
        return
    st.badge(
        _("measured · packed file; ONNX Runtime, one thread, median of {rounds} calls").format(
            rounds=times.rounds
        ),
        color="gray",
    )


def differences(base: "Scenario", found: "Differences") -> None:
    """Show the first samples on which both differ, each with both answers."""
    st.subheader(_("Where they differ"), anchor=False)
    st.markdown(summary(found))
    for start in range(0, len(found.found), 3):
        columns = st.columns(3, gap="medium")
        for column, each in zip(columns, found.found[start : start + 3], strict=False):
            with column, st.container(border=True, height="stretch"):
                _difference(base, each)


def summary(found: "Differences") -> str:
    """Say how many differences were met on how many samples, in the order of the part."""
    looked = words.samples(found.looked_at, found.part)
    if not found.looked_at:
        return _("There are no samples to compare them on.")
    if not found.found:
        return _("On the first {samples} they never differ.").format(samples=looked)
    count = len(found.found)
    return ngettext(
        "One difference among the first {samples}.",
        "{count} differences among the first {samples}.",
        count,
    ).format(count=count, samples=looked)


def _difference(base: "Scenario", each: "Difference") -> None:
    part, said = base.data.validation, each.answers
    text = sample_browser.caption(base, each.sample)
    sample_browser.look(base.name, part.x[each.sample], text, SIDE)
    for colour, role, answer in (
        ("blue", roles().original, said.original),
        ("orange", roles().compressed, said.compressed),
    ):
        share = words.percent(answer.probabilities[answer.predicted], 0)
        st.markdown(f":{colour}[{role}] {_name(base.data.labels, answer.predicted)} · {share}")
    st.button(
        _("Look at it"),
        key=f"try.look.{each.sample}",
        type="tertiary",
        icon=":material/visibility:",
        on_click=given.look_at,
        args=(base, each.sample),
    )


def _bars(labels: Labels, role: str, answer: "Answer", classes: list[int]) -> None:
    chances = [
        Chance(
            label=sample_browser.label(labels, index),
            probability=answer.probabilities[index],
            text=words.percent(answer.probabilities[index]),
        )
        for index in classes
    ]
    listed = ", ".join(f"{chance.label} {chance.text}" for chance in chances)
    st.altair_chart(
        chance_bars(chances, role, roles()),
        key=f"try.bars.{role}",
        alt=_("{role}: {chances}").format(role=role, chances=listed),
    )


def _verdict(labels: Labels, said: "Answers", truth: int) -> str:
    right = [answer.predicted == truth for answer in (said.original, said.compressed)]
    text = {
        (True, True): _("That is right."),
        (False, False): _("It is labelled {truth}: neither is right."),
        (True, False): _("It is labelled {truth}: the original is right."),
        (False, True): _("It is labelled {truth}: the compressed one is right."),
    }[right[0], right[1]]
    return text.format(truth=_name(labels, truth))


def _milliseconds(seconds: float) -> str:
    return f"{words.three(1000 * seconds)} {_('ms')}"


def _name(labels: Labels, index: int) -> str:
    """Return the name of a class for a text, whatever signs its maker put into it."""
    name = sample_browser.label(labels, index)
    return "".join(f"\\{sign}" if sign in "\\`*_[]#$:<>~" else sign for sign in name)
