"""What the network is asked about: a drawing, a picture, a voice, a text, or a sample."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from compress_core.refusal import IntakeError
from pages.shared import pad, sample_browser
from pages.shared.retell import tell
from pages.shared.words import N_, _

if TYPE_CHECKING:
    from torch import Tensor

    from compress_core.scenarios import Scenario

WAY = "try.way"
SAMPLE = "sample"
MOST_LETTERS = 5_000
PICTURES = ["png", "jpg", "jpeg", "webp", "bmp", "gif"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Given:
    """One sample, stored as those of the data set are, and what is known of it."""

    x: "Tensor"
    truth: int | None = None
    """Its class; None where nobody said."""
    turned: bool = False
    """Whether it was made of something else, so that people want to see it."""


WAYS = {
    "ink": ("draw", "camera", "picture", SAMPLE),
    "picture": ("camera", "picture", SAMPLE),
    "speech": ("record", "sound", SAMPLE),
    "text": ("write", SAMPLE),
    "other": (SAMPLE,),
}
"""Kind of data -> how it can be given, the most inviting way first."""
NAMES = {
    "draw": (N_("Draw"), ":material/draw:"),
    "camera": (N_("Camera"), ":material/photo_camera:"),
    "picture": (N_("Picture file"), ":material/image:"),
    "record": (N_("Record"), ":material/mic:"),
    "sound": (N_("Sound file"), ":material/audio_file:"),
    "write": (N_("Write"), ":material/edit_note:"),
    SAMPLE: (N_("Sample"), ":material/dataset:"),
}


def take(base: "Scenario", differences: tuple[int, ...]) -> Given | None:
    """
    Let the user give something; None while nothing is given.

    *differences* are the samples on which both networks are known to differ.
    """
    kind = kind_of(base)
    ways = [way for way in WAYS[kind] if way != SAMPLE or len(base.data.validation)]
    if not ways:
        st.info(
            _(
                "This network came without samples, and how it is to be asked is not known. Bring "
                "it together with data on Choose; then its samples can be tried here."
            ),
            icon=":material/dataset:",
        )
        return None
    way = ways[0]
    if len(ways) > 1:
        way = st.segmented_control(
            _("How do you want to ask?"),
            ways,
            default=ways[0],
            format_func=lambda each: f"{NAMES[each][1]} {_(NAMES[each][0])}",
            required=True,
            key=f"{WAY}.{kind}",
            persist_state="session",
            wrap=True,
        )
    if way == SAMPLE:
        sample, truth = sample_browser.show(base, differences)
        return Given(x=sample, truth=truth)
    return _given(way, base)


def kind_of(base: "Scenario") -> str:
    """Return the kind of data that a network answers for, a key of `WAYS`."""
    import torch

    from compress_core.try_inputs import DRAWN

    data_set = base.name.split("/")[0]
    known = {"speech": "speech", "reviews": "text"} | dict.fromkeys(DRAWN, "ink")
    x = base.data.validation.x
    picture = x.dtype == torch.uint8 and x.dim() == 4 and x.shape[1] in (1, 3)
    pictures = picture and data_set in ("own", "photos")
    return known.get(data_set, "picture" if pictures else "other")


def look_at(base: "Scenario", sample: int) -> None:
    """Go to a sample of the browser; only in callbacks."""
    st.session_state[f"{WAY}.{kind_of(base)}"] = SAMPLE
    sample_browser.go_to(base.name, sample)


def _given(way: str, base: "Scenario") -> Given | None:
    try:
        sample = _READERS[way](base)
    except IntakeError as error:
        st.warning(
            _("This cannot be shown to the network: {reason}.").format(reason=tell(str(error)))
        )
        return None
    return None if sample is None else Given(x=sample, turned=way != "write")


def _draw(base: "Scenario") -> "Tensor | None":
    from compress_core.try_inputs import DRAWN, from_drawing

    data_set = base.name.split("/")[0]
    raw = pad.draw(data_set)
    if DRAWN[data_set].filled:
        st.caption(
            _(
                "Draw the outline; it is filled. The network learned from photographs, so a "
                "drawing is a stranger to it."
            )
        )
    return None if raw is None else from_drawing(raw, DRAWN[data_set])


def _camera(base: "Scenario") -> "Tensor | None":
    file = st.camera_input(_("Take a picture"), key="try.camera", help=_what_to_show(base))
    return None if file is None else _pictured(file.getvalue(), base)


def _upload(base: "Scenario") -> "Tensor | None":
    file = st.file_uploader(
        _("Choose a picture"), PICTURES, key="try.picture", help=_what_to_show(base)
    )
    return None if file is None else _pictured(file.getvalue(), base)


def _what_to_show(base: "Scenario") -> str:
    if kind_of(base) == "ink":
        return _("One thing on plain, bright ground.")
    return _("The network sees the middle of it, as large as what it was made for.")


def _pictured(raw: bytes, base: "Scenario") -> "Tensor":
    from compress_core.try_inputs import DRAWN, from_photo, from_picture

    data_set = base.name.split("/")[0]
    if data_set in DRAWN:
        return from_photo(raw, DRAWN[data_set])
    return from_picture(raw, tuple(base.data.validation.x.shape[1:]))


def _record(base: "Scenario") -> "Tensor | None":
    file = st.audio_input(_("Say a sentence"), sample_rate=16_000, key="try.record")
    return None if file is None else _heard(file.getvalue(), base)


def _sound_file(base: "Scenario") -> "Tensor | None":
    file = st.file_uploader(_("Choose a WAV file"), ["wav"], key="try.sound")
    return None if file is None else _heard(file.getvalue(), base)


def _heard(raw: bytes, base: "Scenario") -> "Tensor":
    from compress_core.try_inputs import from_speech

    st.audio(raw, alt=_("What was recorded"))
    st.caption(_("The network hears the loudest second of it."))
    return from_speech(raw, tuple(base.data.validation.x.shape[1:]))


def _write(base: "Scenario") -> "Tensor | None":
    from compress_core.data_sets.reviews import encode, vocabulary, words

    text = st.text_area(
        _("Write a review of something you ate, in English"),
        height=160,
        max_chars=MOST_LETTERS,
        placeholder=_("These crackers are wonderful, my whole family loves them!"),
        key="try.text",
        persist_state="session",
    )
    numbers = encode(text or "")
    read = words(text or "")[: len(numbers)]
    if not read:
        return None
    known = sum(word in vocabulary() for word in read)
    st.caption(
        _("The network reads the first {read} words and knows {known} of them.").format(
            read=len(read), known=known
        )
    )
    return numbers.to(base.data.validation.x.dtype)


_READERS: dict[str, Callable[["Scenario"], "Tensor | None"]] = {
    "draw": _draw,
    "camera": _camera,
    "picture": _upload,
    "record": _record,
    "sound": _sound_file,
    "write": _write,
}
