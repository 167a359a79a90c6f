import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.io import wavfile

from compress_core.refusal import IntakeError
from compress_core.scenarios import load_scenario
from compress_core.spectrum import log_mel
from compress_core.try_inputs import (
    DRAWN,
    from_drawing,
    from_photo,
    from_picture,
    from_speech,
)

DIGIT, GARMENT = DRAWN["digits"], DRAWN["fashion-mnist"]


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def paper(box: tuple[int, int, int, int], ink: int = 0, ground: int = 255, width: int = 0) -> bytes:
    """A rectangle on paper of 256 x 256, filled or, with a *width*, its outline."""
    picture = Image.new("L", (256, 256), ground)
    outline = {"outline": ink, "width": width} if width else {"fill": ink}
    ImageDraw.Draw(picture).rectangle(box, **outline)  # type: ignore[arg-type]
    return png(picture)


def test_ink_fills_the_longer_side_and_stands_in_the_middle() -> None:
    found = from_drawing(paper((40, 60, 71, 187)), DIGIT)  # 32 wide, 128 tall

    expected = torch.zeros(1, 8, 8, dtype=torch.uint8)
    expected[0, :, 3:5] = 16
    assert found.equal(expected)


@given(
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(40, 140),
    st.integers(40, 140),
    st.sampled_from([DIGIT, GARMENT]),
)
def test_where_it_is_drawn_does_not_matter(
    left: int, top: int, width: int, height: int, like: object
) -> None:
    here = from_drawing(paper((left, top, left + width, top + height)), like)  # type: ignore[arg-type]
    there = from_drawing(paper((5, 9, 5 + width, 9 + height)), like)  # type: ignore[arg-type]
    assert here.equal(there)


def test_outlines_of_garments_are_filled_and_those_of_digits_are_not() -> None:
    ring = paper((30, 30, 229, 229), width=20)

    assert from_drawing(ring, GARMENT).min() == 255
    assert from_drawing(ring, DIGIT)[0, 3:5, 3:5].max() == 0


def test_an_empty_paper_is_no_question() -> None:
    with pytest.raises(IntakeError, match="nothing is drawn"):
        from_drawing(png(Image.new("L", (320, 320), 255)), DIGIT)


@pytest.mark.parametrize("raw", [b"", b"no picture", paper((0, 0, 9, 9))[:80]])
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(IntakeError):
        from_drawing(raw, DIGIT)


def test_a_photograph_is_read_on_bright_and_on_dark_ground() -> None:
    box = (40, 60, 71, 187)
    drawn = from_drawing(paper(box), DIGIT)

    assert from_photo(paper(box, ink=60, ground=200), DIGIT).equal(drawn)
    assert from_photo(paper(box, ink=200, ground=40), DIGIT).equal(drawn)
    with pytest.raises(IntakeError, match="nothing stands out"):
        from_photo(paper(box, ink=180, ground=200), DIGIT)


@pytest.mark.parametrize(
    ("name", "full"), [("digits/simple-nn", 16), ("fashion-mnist/lenet-5", 255)]
)
def test_pictures_of_the_data_set_put_on_paper_are_recognised_as_before(
    name: str, full: int
) -> None:
    scenario = load_scenario(name)
    part = scenario.data.validation.head(100)
    drawn = []
    for x in part.x:
        ink = np.pad(255 - x[0].numpy() * (255 // full), 3, constant_values=255)
        picture = Image.fromarray(ink.astype(np.uint8)).resize((256, 256), 0)
        drawn.append(from_drawing(png(picture), DRAWN[name.split("/")[0]]))
    with torch.inference_mode():
        answers = [
            scenario.network.module(each.inputs()).argmax(1)
            for each in (part, replace(part, x=torch.stack(drawn)))
        ]
    assert (answers[0] == answers[1]).float().mean() >= 0.88


def test_other_pictures_get_the_size_that_the_network_reads() -> None:
    found = from_picture(png(Image.new("RGB", (50, 40), (10, 20, 30))), (3, 5, 6))
    assert found.shape == (3, 5, 6)
    assert found.amax((1, 2)).tolist() == found.amin((1, 2)).tolist() == [10, 20, 30]


def wav(wave: np.ndarray, rate: int = 8_000) -> bytes:  # type: ignore[type-arg]
    file = io.BytesIO()
    wavfile.write(file, rate, (wave * 32_767).astype(np.int16))
    return file.getvalue()


def test_the_loudest_second_is_heard() -> None:
    length = 256 + 128 * 63
    tone = (0.5 * np.sin(np.arange(length) * 0.3)).astype(np.float32)
    quiet = np.zeros(9_000, np.float32)
    found = from_speech(wav(np.concatenate([quiet, tone, quiet, quiet])), (1, 32, 64))

    alone = log_mel((tone * 32_767).astype(np.int16).astype(np.float32) / 32_768, 8_000, 32)
    assert found.shape == (1, 32, 64) and found.dtype == torch.uint8
    assert np.array_equal(found[0].numpy(), alone)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (lambda: wav(np.zeros(8_000, np.float32)), "nothing is to be heard"),
        (lambda: b"RIFF, but no more", "damaged or no WAV"),
    ],
)
def test_silence_and_noise_of_other_kinds_are_refused(
    raw: Callable[[], bytes], reason: str
) -> None:
    with pytest.raises(IntakeError, match=reason):
        from_speech(raw(), (1, 32, 64))
