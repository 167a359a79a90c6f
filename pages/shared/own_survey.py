"""What a data set holds, shown before it is used; and the questions that it leaves open."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import own_pictures, tables
from pages.shared.retell import tell
from pages.shared.words import _, ngettext

if TYPE_CHECKING:
    from compress_core.intake.choices import Choices, Question
    from compress_core.intake.survey import Broken, Preview, Survey

SHOWN, PIXELS = 12, 84
"""Samples that are shown, and how large."""
MOST_ROWS = 12
"""Classes that are counted one by one; the others together."""
NAMED = 100
"""Broken samples that are listed."""


def show(survey: "Survey") -> None:
    """Show counts, some samples and what was taken for granted."""
    train, validation, test = (f"{n:,}" for n in survey.sizes)
    st.markdown(
        ngettext("**{n} sample**", "**{n} samples**", survey.samples).format(
            n=f"{survey.samples:,}"
        )
        + " · "
        + _("{train} for training, {validation} for validation, {test} for the test").format(
            train=train, validation=validation, test=test
        )
        + (
            _(", kept together by {group}").format(group=survey.grouped_by)
            if survey.grouped_by
            else ""
        )
    )
    counts, samples = st.columns([2, 5], gap="medium")
    with counts:
        if survey.counts:
            tables.facts(
                _rows(survey.counts), [_("Class"), _("Samples")], alt=_("Samples per class")
            )
        else:
            st.info(
                _(
                    "**No labels.** The share of answers that stay those of the original, the "
                    "*agreement*, takes the place of accuracy everywhere."
                ),
                icon=":material/label_off:",
            )
    with samples:
        _thumbnails(different(survey.preview))
    for line in (*survey.notes, *survey.few):
        st.caption(tell(line))


def different(preview: "Sequence[Preview]") -> "list[Preview]":
    """Return samples to show, one of each class first."""
    seen: dict[str, int] = {}
    turns = []
    for each in preview:
        turns.append(seen.get(each.label, 0))
        seen[each.label] = turns[-1] + 1
    order = sorted(range(len(preview)), key=lambda i: (turns[i], i))
    return [preview[i] for i in order]


def _rows(counts: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
    rows = [(name, f"{count:,}") for name, count in counts[:MOST_ROWS]]
    if rest := counts[MOST_ROWS:]:
        text = _("{n} more").format(n=f"{len(rest):,}")
        rows.append((text, f"{sum(count for _name, count in rest):,}"))
    return rows


def _thumbnails(preview: "Sequence[Preview]") -> None:
    found = [(each, own_pictures.picture(each.x)) for each in preview[:SHOWN]]
    seen = [(each, shown) for each, shown in found if shown is not None]
    if not seen:
        if preview:
            st.caption(_("As the network reads them, these samples are no pictures."))
        return
    with st.container(horizontal=True, gap="small"):
        for each, shown in seen:
            name = each.label or each.name.rpartition("/")[2]
            st.image(
                own_pictures.enlarged(shown, PIXELS),
                caption=name,
                width=PIXELS,
                alt=_("A sample of {name}").format(name=name),
            )


def broken(found: "Sequence[Broken]", count: int) -> None:
    """List the samples that cannot be read."""
    with st.expander(
        ngettext("{n} sample that cannot be read", "{n} samples that cannot be read", count).format(
            n=f"{count:,}"
        )
    ):
        st.dataframe(
            {
                _("Sample"): [each.name for each in found[:NAMED]],
                _("Why"): [tell(each.reason) for each in found[:NAMED]],
            },
            hide_index=True,
        )


def questions(survey: "Survey", known: "Choices") -> "Choices | None":
    """Ask what only a person knows; returns the choices when they were answered just now."""
    with st.form("own.data.questions", border=False):
        answers = [_ask(question, number) for number, question in enumerate(survey.questions)]
        if not st.form_submit_button(_("Go on"), type="primary", key="own.data.answer"):
            return None
    choices = known
    for question, answer in zip(survey.questions, answers, strict=True):
        if question.topic == "classes":
            pairs = tuple(zip(question.about, answer, strict=True))
            choices = replace(choices, classes=(*choices.classes, *pairs))
        elif question.topic == "vocabulary":
            choices = replace(choices, vocabulary=tuple(answer))
        else:
            choices = replace(choices, **{question.topic: answer[0]})  # type: ignore[arg-type]
    return choices


def _ask(question: "Question", number: int) -> list[str]:
    st.markdown(tell(question.text))
    key = f"own.ask.{number}.{question.topic}"
    if question.topic == "vocabulary":
        text = st.text_area(_("One word for each line, that of token 0 first"), key=key)
        return text.splitlines()
    if question.topic != "classes":
        options = list(question.options)
        index = options.index(question.proposed[0]) if question.proposed else 0
        return [st.selectbox(question.topic.capitalize(), options, index, key=key)]
    answers = []
    columns = st.columns(3)
    for place, name in enumerate(question.about):
        options = [*question.options, ""]
        guess = question.proposed[place] if question.proposed else ""
        with columns[place % 3]:
            answers.append(
                st.selectbox(
                    _("{name} is").format(name=name),
                    options,
                    options.index(guess),
                    key=f"{key}.{place}",
                    format_func=lambda label: label or _("left out"),
                )
            )
    return answers
